#include "rfl_words.h"

static bool find_word(const char *const *words, unsigned count, const char *text, size_t len, unsigned *out)
{
    for (unsigned i = 0; i < count; i++) {
        size_t n = 0;
        while (words[i][n] != '\0')
            n++;
        if (n == len && memcmp(words[i], text, len) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

#define X(name, word) word,
#define WORDS(upper, lower, LIST) \
    static const char *const lower##_words[] = { LIST(X) }; \
    static_assert(sizeof lower##_words / sizeof lower##_words[0] == RFL_##upper##_COUNT, "a word for each " #lower); \
    const char *rfl_##lower##_word(enum rfl_##lower word) \
    { \
        return (unsigned)word < RFL_##upper##_COUNT ? lower##_words[word] : "unknown"; \
    } \
    bool rfl_##lower##_from_word(const char *text, size_t len, enum rfl_##lower *out) \
    { \
        unsigned found; \
        if (!find_word(lower##_words, RFL_##upper##_COUNT, text, len, &found)) \
            return false; \
        *out = (enum rfl_##lower)found; \
        return true; \
    }

WORDS(STATUS, status, RFL_STATUS_LIST)
WORDS(CLOCK, clock, RFL_CLOCK_LIST)
WORDS(HOLD, hold, RFL_HOLD_LIST)
WORDS(DECLINE, decline, RFL_DECLINE_LIST)
WORDS(CLOSE, close, RFL_CLOSE_LIST)
WORDS(CHANNEL, channel, RFL_CHANNEL_LIST)
WORDS(OUTCOME, outcome, RFL_OUTCOME_LIST)
WORDS(BAND, band, RFL_BAND_LIST)
WORDS(CONSENT, consent, RFL_CONSENT_LIST)
WORDS(EMPLOYMENT, employment, RFL_EMPLOYMENT_LIST)
WORDS(KEY, key, RFL_KEY_LIST)
WORDS(GRADE, grade, RFL_GRADE_LIST)
