/* rfl_wordlist.h: the bodies behind RFL_WORD_ENUM (rfl_words.h), for the .c file that owns a list.
 *
 * Internal to lib/core. RFL_WORD_BODIES(upper, lower, LIST) defines rfl_<lower>_word and rfl_<lower>_from_word from the
 * X-macro LIST of (NAME, "word"). */
#ifndef RFL_WORDLIST_H
#define RFL_WORDLIST_H

#include "rfl_base.h"

/* Compared as it goes: compilers turn a loop that counts to the terminator into strlen, foreign to the core. */
static inline bool rfl__word_is(const char *word, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (word[i] == '\0' || word[i] != text[i])
            return false;
    return word[len] == '\0';
}

#define RFL_WORD_TEXT(name, word) word,
#define RFL_WORD_BODIES(upper, lower, LIST) \
    static const char *const lower##_words[] = { LIST(RFL_WORD_TEXT) }; \
    static_assert(sizeof lower##_words / sizeof lower##_words[0] == RFL_##upper##_COUNT, "a word for each " #lower); \
    const char *rfl_##lower##_word(enum rfl_##lower word) \
    { \
        return (unsigned)word < RFL_##upper##_COUNT ? lower##_words[word] : "unknown"; \
    } \
    bool rfl_##lower##_from_word(const char *text, size_t len, enum rfl_##lower *out) \
    { \
        for (unsigned i = 0; i < RFL_##upper##_COUNT; i++) { \
            if (rfl__word_is(lower##_words[i], text, len)) { \
                *out = (enum rfl_##lower)i; \
                return true; \
            } \
        } \
        return false; \
    }

#endif
