/* SHA-256 of eight messages at a time, with AVX2. */
#include "sha256.h"

#if ORDERTRAIL_X86

#include <immintrin.h>

#define LANES 8

#define WORD __m256i
#define ADD(x, y) _mm256_add_epi32(x, y)
#define XOR3(x, y, z) _mm256_xor_si256(_mm256_xor_si256(x, y), z)
#define CHOOSE(x, y, z) _mm256_xor_si256(z, _mm256_and_si256(x, _mm256_xor_si256(y, z)))
#define MAJORITY(x, y, z) \
    _mm256_or_si256(_mm256_and_si256(x, y), _mm256_and_si256(z, _mm256_or_si256(x, y)))
#define ROTATE(x, n) _mm256_or_si256(_mm256_srli_epi32(x, n), _mm256_slli_epi32(x, 32 - (n)))
#define SHIFT(x, n) _mm256_srli_epi32(x, n)
#define SPREAD(k) _mm256_set1_epi32((int)(k))
#define TARGET __attribute__((target("avx2")))
#include "sha256_rounds.h"

static bool available(void)
{
    return __builtin_cpu_supports("avx2");
}

/*
 * Read half a block of each lane; w[n] gets word n of every lane: a transposition of 8 by 8 integers.
 *
 * First within 128 bits, rows in fours (4i + j in half c then holds column 4c + j of rows 4i to 4i + 3), then
 * whole halves.
 */
TARGET static inline void load(const uint8_t *const *blocks, size_t offset, __m256i w[8])
{
    const __m256i swap = _mm256_broadcastsi128_si256(
        _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    __m256i rows[LANES], fours[LANES];
    for (unsigned n = 0; n < LANES; n += 2) {
        const __m256i even = _mm256_loadu_si256((const __m256i *)(const void *)(blocks[n] + offset));
        const __m256i odd = _mm256_loadu_si256((const __m256i *)(const void *)(blocks[n + 1] + offset));
        rows[n] = _mm256_unpacklo_epi32(even, odd);
        rows[n + 1] = _mm256_unpackhi_epi32(even, odd);
    }
    for (unsigned n = 0; n < LANES; n += 4) {
        fours[n] = _mm256_unpacklo_epi64(rows[n], rows[n + 2]);
        fours[n + 1] = _mm256_unpackhi_epi64(rows[n], rows[n + 2]);
        fours[n + 2] = _mm256_unpacklo_epi64(rows[n + 1], rows[n + 3]);
        fours[n + 3] = _mm256_unpackhi_epi64(rows[n + 1], rows[n + 3]);
    }
    for (unsigned n = 0; n < 4; n++) {
        const __m256i low = _mm256_permute2x128_si256(fours[n], fours[n + 4], 0x20);
        const __m256i high = _mm256_permute2x128_si256(fours[n], fours[n + 4], 0x31);
        w[n] = _mm256_shuffle_epi8(low, swap);
        w[n + 4] = _mm256_shuffle_epi8(high, swap);
    }
}

TARGET static void compress(uint32_t *state, const uint8_t *const *blocks, size_t count)
{
    __m256i words[STATE_WORDS], w[16];
    for (size_t n = 0; n < STATE_WORDS; n++) {
        words[n] = _mm256_load_si256((const __m256i *)(const void *)(state + n * LANES));
    }
    for (size_t n = 0; n < count; n++) {
        load(blocks, n * BLOCK_SIZE, w);
        load(blocks, n * BLOCK_SIZE + BLOCK_SIZE / 2, w + 8);
        rounds(words, w);
    }
    for (size_t n = 0; n < STATE_WORDS; n++) {
        _mm256_store_si256((__m256i *)(void *)(state + n * LANES), words[n]);
    }
}

const struct engine engine_avx2 = {"avx2", LANES, available, compress};

#else

typedef int no_avx2_here; /* a translation unit may not be empty */

#endif
