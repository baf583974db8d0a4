/* SHA-256 of thirty-two messages at a time, with AVX-512 (F for the arithmetic, BW to turn bytes around). */
#include "sha256.h"

#if ORDERTRAIL_X86

#include <immintrin.h>

#define LANES 32
#define HALF 16

#define TARGET __attribute__((target("avx512f,avx512bw")))

/*
 * A word is two vectors: each round waits for the one before, and while sixteen lanes wait the other sixteen are
 * computed. Not all words fit the registers then, and it is a third faster all the same.
 */
struct pair {
    __m512i low, high;
};

#define WORD struct pair
#define OF_EACH(function, x, n) ((struct pair){function((x).low, n), function((x).high, n)})
/* The truth table of a function of three bits, read from f(1, 1, 1) down to f(0, 0, 0). */
#define OF_BITS(x, y, z, table)                                          \
    ((struct pair){_mm512_ternarylogic_epi32((x).low, (y).low, (z).low, table), \
                   _mm512_ternarylogic_epi32((x).high, (y).high, (z).high, table)})

TARGET static inline struct pair add(struct pair x, struct pair y)
{
    return (struct pair){_mm512_add_epi32(x.low, y.low), _mm512_add_epi32(x.high, y.high)};
}

TARGET static inline struct pair exclusive_or(struct pair x, struct pair y, struct pair z)
{
    return OF_BITS(x, y, z, 0x96);
}

TARGET static inline struct pair spread(uint32_t constant)
{
    const __m512i lanes = _mm512_set1_epi32((int)constant);
    return (struct pair){lanes, lanes};
}

#define ADD(x, y) add(x, y)
#define XOR3(x, y, z) exclusive_or(x, y, z)
#define CHOOSE(x, y, z) OF_BITS(x, y, z, 0xca)
#define MAJORITY(x, y, z) OF_BITS(x, y, z, 0xe8)
#define ROTATE(x, n) OF_EACH(_mm512_ror_epi32, x, n)
#define SHIFT(x, n) OF_EACH(_mm512_srli_epi32, x, n)
#define SPREAD(k) spread(k)
#include "sha256_rounds.h"

static bool available(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

/*
 * Read a block of each of sixteen lanes; w[n] gets word n of all: a transposition of 16 by 16 integers.
 *
 * First within 128 bits, rows in fours (4i + j in quarter c then holds column 4c + j of rows 4i to 4i + 3),
 * then whole quarters.
 */
TARGET static inline void load(const uint8_t *const *blocks, size_t offset, __m512i w[16])
{
    const __m512i swap = _mm512_broadcast_i32x4(
        _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    __m512i rows[HALF], fours[HALF];
    for (unsigned n = 0; n < HALF; n += 2) {
        const __m512i even = _mm512_loadu_si512(blocks[n] + offset);
        const __m512i odd = _mm512_loadu_si512(blocks[n + 1] + offset);
        rows[n] = _mm512_unpacklo_epi32(even, odd);
        rows[n + 1] = _mm512_unpackhi_epi32(even, odd);
    }
    for (unsigned n = 0; n < HALF; n += 4) {
        fours[n] = _mm512_unpacklo_epi64(rows[n], rows[n + 2]);
        fours[n + 1] = _mm512_unpackhi_epi64(rows[n], rows[n + 2]);
        fours[n + 2] = _mm512_unpacklo_epi64(rows[n + 1], rows[n + 3]);
        fours[n + 3] = _mm512_unpackhi_epi64(rows[n + 1], rows[n + 3]);
    }
    for (unsigned n = 0; n < 4; n++) {
        const __m512i even_low = _mm512_shuffle_i32x4(fours[n], fours[n + 4], 0x88);
        const __m512i even_high = _mm512_shuffle_i32x4(fours[n + 8], fours[n + 12], 0x88);
        const __m512i odd_low = _mm512_shuffle_i32x4(fours[n], fours[n + 4], 0xdd);
        const __m512i odd_high = _mm512_shuffle_i32x4(fours[n + 8], fours[n + 12], 0xdd);
        w[n] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
        w[n + 4] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
        w[n + 8] = _mm512_shuffle_i32x4(even_low, even_high, 0xdd);
        w[n + 12] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd);
    }
    for (unsigned n = 0; n < 16; n++) {
        w[n] = _mm512_shuffle_epi8(w[n], swap);
    }
}

TARGET static void compress(uint32_t *state, const uint8_t *const *blocks, size_t count)
{
    struct pair words[STATE_WORDS], w[16];
    for (size_t n = 0; n < STATE_WORDS; n++) {
        words[n].low = _mm512_load_si512(state + n * LANES);
        words[n].high = _mm512_load_si512(state + n * LANES + HALF);
    }
    for (size_t block = 0; block < count; block++) {
        __m512i low[16], high[16];
        load(blocks, block * BLOCK_SIZE, low);
        load(blocks + HALF, block * BLOCK_SIZE, high);
        for (unsigned n = 0; n < 16; n++) {
            w[n] = (struct pair){low[n], high[n]};
        }
        rounds(words, w);
    }
    for (size_t n = 0; n < STATE_WORDS; n++) {
        _mm512_store_si512(state + n * LANES, words[n].low);
        _mm512_store_si512(state + n * LANES + HALF, words[n].high);
    }
}

const struct engine engine_avx512 = {"avx512", LANES, available, compress};

#else

typedef int no_avx512_here; /* a translation unit may not be empty */

#endif
