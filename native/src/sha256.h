/*
 * SHA-256 (FIPS 180-4) of many messages at a time.
 *
 * An engine advances several independent hashes, one a lane, block by block. hash_messages() cuts messages into
 * blocks, keeps the lanes busy, and is the same for every engine; an engine is nothing but its compression.
 */
#ifndef ORDERTRAIL_SHA256_H
#define ORDERTRAIL_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE 32
#define BLOCK_SIZE 64
#define STATE_WORDS 8
#define MAX_LANES 32

/*
 * Engines for x86-64 are compiled where the compiler knows its intrinsics and target attributes;
 * -DORDERTRAIL_X86=0 leaves them out.
 */
#if defined(ORDERTRAIL_X86)
#elif defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define ORDERTRAIL_X86 1
#else
#define ORDERTRAIL_X86 0
#endif

struct message {
    const uint8_t *data;
    size_t size;
};

struct engine {
    const char *name;
    unsigned lanes; /* 1 to MAX_LANES */
    bool (*available)(void);
    /*
     * Advance every lane by `count` consecutive blocks. Word w of lane l is state[w * lanes + l]; lane l reads
     * count * BLOCK_SIZE bytes at blocks[l]. The state is aligned to 64 bytes, the blocks are not.
     */
    void (*compress)(uint32_t *state, const uint8_t *const *blocks, size_t count);
};

extern const struct engine engine_scalar;
#if ORDERTRAIL_X86
extern const struct engine engine_sha_ni;
extern const struct engine engine_avx2;
extern const struct engine engine_avx512;
#endif

/* FIPS 180-4 section 4.2.2. Aligned for vector loads of four constants. */
extern const uint32_t sha256_constants[64];

/* Hash prefix || message, for each message, to DIGEST_SIZE bytes at digests[DIGEST_SIZE * n]. */
void hash_messages(const struct engine *engine, uint8_t prefix, const struct message *messages, size_t count,
                   uint8_t *digests);

/*
 * The engines that this machine can run, the best first; returns how many. `engines` has room for all.
 */
#define MAX_ENGINES 4
size_t available_engines(const struct engine *engines[MAX_ENGINES]);

/* The engine for so many messages: the chosen one, or, where none was chosen, the best for that many. */
const struct engine *engine_for(size_t count);

/* Use one engine for everything from now on; NULL lets engine_for() choose again. */
void choose_engine(const struct engine *engine);

/* The engine chosen by choose_engine(), NULL where none is. */
const struct engine *chosen_engine(void);

#endif
