/*
 * Messages into blocks, blocks into lanes.
 *
 * A message's first block begins with the prefix and its last one or two end with the padding (FIPS 180-4
 * section 5.1.1): these are put together in the lane's own memory. All blocks between are read where they are.
 * A lane that is done takes the next message, so that messages of different lengths keep all lanes busy.
 */
#include <string.h>

#include "sha256.h"

/* The padding: a byte 0x80 and the length in bits, eight bytes. */
#define PADDING 9

struct lane {
    const uint8_t *at; /* the next block */
    size_t left;       /* blocks from there on that lie in a row */
    const uint8_t *body;
    size_t body_blocks; /* still to come, after those */
    size_t tail_blocks; /* still to come, last */
    size_t message;     /* which one it hashes */
    bool busy;
    uint8_t head[BLOCK_SIZE];
    uint8_t tail[2 * BLOCK_SIZE];
};

static const uint32_t initial_state[STATE_WORDS] = { /* FIPS 180-4 section 5.3.3 */
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* Pad what stands in the lane's tail, `used` bytes of it; `total` bytes are hashed in all. */
static void pad(struct lane *lane, size_t used, uint64_t total)
{
    lane->tail_blocks = used + PADDING <= BLOCK_SIZE ? 1 : 2;
    const size_t end = lane->tail_blocks * BLOCK_SIZE;
    lane->tail[used] = 0x80;
    memset(lane->tail + used + 1, 0, end - used - 1);
    for (size_t n = 0; n < 8; n++) {
        lane->tail[end - 1 - n] = (uint8_t)(total * 8 >> 8 * n);
    }
}

/* Go on to the body, then to the tail; false where the message is hashed. */
static bool advance(struct lane *lane)
{
    if (lane->body_blocks > 0) {
        lane->at = lane->body;
        lane->left = lane->body_blocks;
        lane->body_blocks = 0;
    } else if (lane->tail_blocks > 0) {
        lane->at = lane->tail;
        lane->left = lane->tail_blocks;
        lane->tail_blocks = 0;
    } else {
        return false;
    }
    return true;
}

static void begin(struct lane *lane, uint8_t prefix, struct message message)
{
    const size_t in_head = BLOCK_SIZE - 1;
    if (message.size <= sizeof lane->tail - PADDING - 1) {
        lane->tail[0] = prefix;
        if (message.size > 0) {
            memcpy(lane->tail + 1, message.data, message.size);
        }
        pad(lane, message.size + 1, (uint64_t)message.size + 1);
        lane->body_blocks = 0;
        advance(lane);
        return;
    }
    lane->head[0] = prefix;
    memcpy(lane->head + 1, message.data, in_head);
    lane->at = lane->head;
    lane->left = 1;
    lane->body = message.data + in_head;
    lane->body_blocks = (message.size - in_head) / BLOCK_SIZE;
    const size_t rest = (message.size - in_head) % BLOCK_SIZE;
    memcpy(lane->tail, message.data + message.size - rest, rest);
    pad(lane, rest, (uint64_t)message.size + 1);
}

struct hashing {
    const struct engine *engine;
    uint8_t prefix;
    const struct message *messages;
    size_t count, next;
    uint8_t *digests;
    struct lane lanes[MAX_LANES];
    uint32_t state[STATE_WORDS * MAX_LANES] __attribute__((aligned(64)));
};

/* Give a lane the next message, if there is one. */
static void take(struct hashing *hashing, unsigned number)
{
    struct lane *lane = &hashing->lanes[number];
    lane->busy = hashing->next < hashing->count;
    if (!lane->busy) {
        return;
    }
    lane->message = hashing->next++;
    begin(lane, hashing->prefix, hashing->messages[lane->message]);
    for (size_t word = 0; word < STATE_WORDS; word++) {
        hashing->state[word * hashing->engine->lanes + number] = initial_state[word];
    }
}

static void tell(const struct hashing *hashing, unsigned number)
{
    uint8_t *digest = hashing->digests + DIGEST_SIZE * hashing->lanes[number].message;
    for (size_t word = 0; word < STATE_WORDS; word++, digest += 4) {
        const uint32_t value = hashing->state[word * hashing->engine->lanes + number];
        digest[0] = (uint8_t)(value >> 24);
        digest[1] = (uint8_t)(value >> 16);
        digest[2] = (uint8_t)(value >> 8);
        digest[3] = (uint8_t)value;
    }
}

/* Advance all busy lanes by as many blocks as each has in a row; false where none is busy. */
static bool step(struct hashing *hashing)
{
    const unsigned lanes = hashing->engine->lanes;
    const uint8_t *blocks[MAX_LANES], *some = NULL;
    size_t count = SIZE_MAX;
    for (unsigned n = 0; n < lanes; n++) {
        const struct lane *lane = &hashing->lanes[n];
        if (lane->busy) {
            some = lane->at;
            count = lane->left < count ? lane->left : count;
        }
    }
    if (some == NULL) {
        return false;
    }
    for (unsigned n = 0; n < lanes; n++) {
        /* A lane with nothing to do reads what another one reads, and nobody reads its state. */
        blocks[n] = hashing->lanes[n].busy ? hashing->lanes[n].at : some;
    }
    hashing->engine->compress(hashing->state, blocks, count);
    for (unsigned n = 0; n < lanes; n++) {
        struct lane *lane = &hashing->lanes[n];
        if (lane->busy) {
            lane->at += count * BLOCK_SIZE;
            lane->left -= count;
            if (lane->left == 0 && !advance(lane)) {
                tell(hashing, n);
                take(hashing, n);
            }
        }
    }
    return true;
}

void hash_messages(const struct engine *engine, uint8_t prefix, const struct message *messages, size_t count,
                   uint8_t *digests)
{
    struct hashing hashing;
    hashing.engine = engine;
    hashing.prefix = prefix;
    hashing.messages = messages;
    hashing.count = count;
    hashing.next = 0;
    hashing.digests = digests;
    memset(hashing.state, 0, sizeof hashing.state);
    for (unsigned n = 0; n < engine->lanes; n++) {
        take(&hashing, n);
    }
    while (step(&hashing)) {
    }
}
