/*
 * SHA-256 with the SHA extensions of x86: two messages side by side, for one alone waits for its own results.
 *
 * SHA256RNDS2 does two rounds on the state as two vectors, from the lowest word up: (f, e, b, a) and (h, g, d, c)
 * (Intel SDM volume 2). What comes out is the new (f, e, b, a), while the old one is the new (h, g, d, c): so two
 * of them in turns do four rounds and leave each vector in its own place.
 */
#include "sha256.h"

#if ORDERTRAIL_X86

#include <cpuid.h>
#include <immintrin.h>

#define LANES 2
#define TARGET __attribute__((target("sha,sse4.1,ssse3")))

static bool available(void)
{
    unsigned a, b, c, d;
    /* Bit 29 of EBX of leaf 7; __builtin_cpu_supports of older compilers has no word for it. */
    const bool sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1U << 29)) != 0;
    return sha && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3");
}

TARGET static inline void load(const uint8_t *block, __m128i w[4])
{
    const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    for (unsigned n = 0; n < 4; n++) {
        w[n] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(block + 16 * (size_t)n)), swap);
    }
}

/* Words t + 16 to t + 19 of the schedule, from the sixteen before them. */
TARGET static inline __m128i schedule(__m128i w0, __m128i w4, __m128i w8, __m128i w12)
{
    const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w4), _mm_alignr_epi8(w12, w8, 4));
    return _mm_sha256msg2_epu32(sum, w12);
}

/* Rounds t to t + 3, of both lanes. */
TARGET static inline void four_rounds(__m128i abef[LANES], __m128i cdgh[LANES], __m128i w[LANES][4], unsigned t)
{
    const __m128i k = _mm_load_si128((const __m128i *)(const void *)(sha256_constants + t));
    const unsigned n = t / 4;
    for (unsigned lane = 0; lane < LANES; lane++) {
        const __m128i input = _mm_add_epi32(w[lane][n & 3], k);
        cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], input);
        abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], _mm_shuffle_epi32(input, 0x0e));
        if (t < 48) {
            w[lane][n & 3] =
                schedule(w[lane][n & 3], w[lane][(n + 1) & 3], w[lane][(n + 2) & 3], w[lane][(n + 3) & 3]);
        }
    }
}

TARGET static inline void block_of_both(__m128i abef[LANES], __m128i cdgh[LANES], __m128i w[LANES][4])
{
    const __m128i before_abef[LANES] = {abef[0], abef[1]}, before_cdgh[LANES] = {cdgh[0], cdgh[1]};
#pragma GCC unroll 16
    for (unsigned t = 0; t < 64; t += 4) {
        four_rounds(abef, cdgh, w, t);
    }
    for (unsigned lane = 0; lane < LANES; lane++) {
        abef[lane] = _mm_add_epi32(abef[lane], before_abef[lane]);
        cdgh[lane] = _mm_add_epi32(cdgh[lane], before_cdgh[lane]);
    }
}

TARGET static void compress(uint32_t *state, const uint8_t *const *blocks, size_t count)
{
    __m128i abef[LANES], cdgh[LANES], w[LANES][4];
    for (unsigned lane = 0; lane < LANES; lane++) {
        const uint32_t *s = state + lane;
        abef[lane] = _mm_set_epi32((int)s[0], (int)s[LANES], (int)s[4 * LANES], (int)s[5 * LANES]);
        cdgh[lane] = _mm_set_epi32((int)s[2 * LANES], (int)s[3 * LANES], (int)s[6 * LANES], (int)s[7 * LANES]);
    }
    for (size_t n = 0; n < count; n++) {
        load(blocks[0] + n * BLOCK_SIZE, w[0]);
        load(blocks[1] + n * BLOCK_SIZE, w[1]);
        block_of_both(abef, cdgh, w);
    }
    for (unsigned lane = 0; lane < LANES; lane++) {
        uint32_t *s = state + lane;
        s[0] = (uint32_t)_mm_extract_epi32(abef[lane], 3);
        s[LANES] = (uint32_t)_mm_extract_epi32(abef[lane], 2);
        s[2 * LANES] = (uint32_t)_mm_extract_epi32(cdgh[lane], 3);
        s[3 * LANES] = (uint32_t)_mm_extract_epi32(cdgh[lane], 2);
        s[4 * LANES] = (uint32_t)_mm_extract_epi32(abef[lane], 1);
        s[5 * LANES] = (uint32_t)_mm_extract_epi32(abef[lane], 0);
        s[6 * LANES] = (uint32_t)_mm_extract_epi32(cdgh[lane], 1);
        s[7 * LANES] = (uint32_t)_mm_extract_epi32(cdgh[lane], 0);
    }
}

const struct engine engine_sha_ni = {"sha_ni", LANES, available, compress};

#else

typedef int no_sha_ni_here; /* a translation unit may not be empty */

#endif
