/* Which engines this machine has, and which one is used. */
#include "sha256.h"

static const struct engine *chosen;

/* Messages from which thirty-two lanes are worth their while, though most of them idle. */
#define WIDE_FROM 14

size_t available_engines(const struct engine *engines[MAX_ENGINES])
{
    static const struct engine *const known[] = {
#if ORDERTRAIL_X86
        &engine_avx512, &engine_sha_ni, &engine_avx2,
#endif
        &engine_scalar,
    };
    size_t count = 0;
    for (size_t n = 0; n < sizeof known / sizeof *known; n++) {
        if (known[n]->available()) {
            engines[count++] = known[n];
        }
    }
    return count;
}

const struct engine *engine_for(size_t count)
{
    static const struct engine *wide, *narrow;
    if (chosen != NULL) {
        return chosen;
    }
    if (wide == NULL) {
        const struct engine *engines[MAX_ENGINES];
        const size_t number = available_engines(engines);
        wide = narrow = engines[0];
        for (size_t n = 0; n < number; n++) {
            if (engines[n]->lanes < WIDE_FROM) {
                narrow = engines[n]; /* the best of the narrow ones, for the best come first */
                break;
            }
        }
    }
    return count < WIDE_FROM ? narrow : wide;
}

void choose_engine(const struct engine *engine)
{
    chosen = engine;
}

const struct engine *chosen_engine(void)
{
    return chosen;
}
