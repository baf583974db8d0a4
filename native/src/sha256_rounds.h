/*
 * The 64 rounds of SHA-256 (FIPS 180-4 section 6.2.2), for whatever the includer calls a word.
 *
 * A word is a vector of 32-bit integers, one a lane, or just one integer. The includer defines, in terms of it,
 *
 *     WORD            the type
 *     ADD(x, y)       addition modulo 2^32, lane by lane
 *     XOR3(x, y, z)   x ^ y ^ z
 *     CHOOSE(x, y, z) bits of y where x has ones, of z where it has zeros
 *     MAJORITY(x, y, z)
 *     ROTATE(x, n)    right, by a constant
 *     SHIFT(x, n)     right, by a constant
 *     SPREAD(k)       one integer in every lane
 *     TARGET          attributes of the functions
 *
 * and gets rounds(state, w): `state` has 8 words and is advanced by the block of the 16 words `w`, which are
 * used up. The message schedule is computed in place, 16 words ahead, for registers hold 16 of them.
 */

TARGET static inline WORD schedule(WORD w0, WORD w1, WORD w9, WORD w14)
{
    const WORD sigma0 = XOR3(ROTATE(w1, 7), ROTATE(w1, 18), SHIFT(w1, 3));
    const WORD sigma1 = XOR3(ROTATE(w14, 17), ROTATE(w14, 19), SHIFT(w14, 10));
    return ADD(ADD(w0, sigma0), ADD(w9, sigma1));
}

/* One round. Instead of moving all eight words on, the next round is told other names for them. */
#define ROUND(a, b, c, d, e, f, g, h, t)                                                       \
    do {                                                                                       \
        const WORD input = ADD(w[(t) & 15], SPREAD(sha256_constants[first + (t)]));            \
        const WORD sum1 = XOR3(ROTATE(e, 6), ROTATE(e, 11), ROTATE(e, 25));                    \
        const WORD t1 = ADD(ADD(ADD(h, input), CHOOSE(e, f, g)), sum1);                        \
        const WORD sum0 = XOR3(ROTATE(a, 2), ROTATE(a, 13), ROTATE(a, 22));                    \
        (d) = ADD(d, t1);                                                                      \
        (h) = ADD(ADD(t1, MAJORITY(a, b, c)), sum0);                                           \
        if (first < 48) {                                                                      \
            w[(t) & 15] = schedule(w[(t) & 15], w[((t) + 1) & 15], w[((t) + 9) & 15],          \
                                   w[((t) + 14) & 15]);                                        \
        }                                                                                      \
    } while (0)

#define EIGHT_ROUNDS(t)                     \
    do {                                    \
        ROUND(a, b, c, d, e, f, g, h, t);       \
        ROUND(h, a, b, c, d, e, f, g, (t) + 1); \
        ROUND(g, h, a, b, c, d, e, f, (t) + 2); \
        ROUND(f, g, h, a, b, c, d, e, (t) + 3); \
        ROUND(e, f, g, h, a, b, c, d, (t) + 4); \
        ROUND(d, e, f, g, h, a, b, c, (t) + 5); \
        ROUND(c, d, e, f, g, h, a, b, (t) + 6); \
        ROUND(b, c, d, e, f, g, h, a, (t) + 7); \
    } while (0)

TARGET static inline void rounds(WORD state[STATE_WORDS], WORD w[16])
{
    WORD a = state[0], b = state[1], c = state[2], d = state[3];
    WORD e = state[4], f = state[5], g = state[6], h = state[7];
    for (unsigned first = 0; first < 64; first += 16) {
        EIGHT_ROUNDS(0);
        EIGHT_ROUNDS(8);
    }
    state[0] = ADD(state[0], a);
    state[1] = ADD(state[1], b);
    state[2] = ADD(state[2], c);
    state[3] = ADD(state[3], d);
    state[4] = ADD(state[4], e);
    state[5] = ADD(state[5], f);
    state[6] = ADD(state[6], g);
    state[7] = ADD(state[7], h);
}

#undef EIGHT_ROUNDS
#undef ROUND
