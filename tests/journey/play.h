/* play.h: one history on the real engine and store, and everything that a few doors are told of it, frame by frame.
 *
 * Histories that are to be compared begin with the same store, byte for byte (so with the same keys), and at the same
 * moment; a turn has the same number and time in all of them. Whatever the engine says to an onlooker's session is
 * encoded and written to the tape with the number of its turn. Actors' steps must succeed: a refused one fails. */
#ifndef PLAY_H
#define PLAY_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "world.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

enum { ONLOOKERS = 3, ONLOOKER_SESSION = 10, GP_SESSION = 20, WORKER_SESSION = 30, OPERATOR_SESSION = 40 };

struct onlooker { const char *source; enum rfl_door door; };
extern const struct onlooker onlookers[ONLOOKERS];

/* What was said: frames with their turns and sessions, and how many of them were feedback of each word. */
struct tape { uint8_t *bytes; size_t len, cap; uint32_t frames, told[RFL_TELL_COUNT]; };

struct play {
    struct world *world;
    struct tape tape;
    uint32_t turn;
    char code[RFL_RECEIPT_BYTES];       /* of the latest offer */
    struct rfl_token token;
    uint8_t body[ONLOOKERS][512];       /* what each onlooker submitted, to send it again */
    size_t body_len[ONLOOKERS];
};

/* Keeps the empty store of a world that was just opened, for play_begin. */
void play_keep(struct world *world);
/* The kept store again, opened at the world's first moment; an empty tape. */
void play_begin(struct play *play, struct world *world);
void play_end(struct play *play);

void play_turn_begin(struct play *play, int64_t advance_ms);
/* Through the wire's encoder and decoder, as everything that comes from outside. */
void play_ask(struct play *play, uint64_t session, const struct rfl_ask *ask);
void play_turn_end(struct play *play);

struct rfl_view play_text(const char *text);

/* Who is referred, and what only some doors say of them. */
struct person { const char *nhs_number, *practice; unsigned barrier, needs; bool safeguarding; };
void play_submit(struct play *play, unsigned onlooker, const char *reference, const struct person *person);
void play_submit_gp(struct play *play, const char *reference, const struct person *person);

/* A newer body of the onlooker's referral: as the person now is, with this consent. */
void play_amend(struct play *play, unsigned onlooker, const char *reference, uint32_t version,
                const struct person *person, enum rfl_consent consent);

/* What an onlooker can ask about its referral without changing it: where it stands, the receipt again, an amendment of
 * a version that is not there; after closing also a withdrawal and an amendment of the right version. */
void play_probe(struct play *play, unsigned onlooker, const char *reference, bool closed);

#endif
