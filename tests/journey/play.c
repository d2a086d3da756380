#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canaries.h"

const struct onlooker onlookers[ONLOOKERS] = {
    { "jobcentre-feed", RFL_DOOR_JOBCENTRE }, { "employer-portal", RFL_DOOR_EMPLOYER },
    { "pharmacy-bridge", RFL_DOOR_PHARMACIST },
};

struct rfl_view play_text(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

static void copy_store(struct world *world, const char *from, const char *to)
{
    char command[512];
    rfl_engine_free(&world->engine);
    rfl_store_close(&world->store);
    (void)snprintf(command, sizeof command, "rm -rf '%s/%s' && cp -a --sparse=always '%s/%s' '%s/%s'",
                   world->folder, to, world->folder, from, world->folder, to);
    assert_int_equal(system(command), 0);
}

void play_keep(struct world *world)
{
    copy_store(world, "store", "kept");
    world_restart(world);
}

void play_begin(struct play *play, struct world *world)
{
    memset(play, 0, sizeof *play);
    play->world = world;
    copy_store(world, "kept", "store");
    world->now = (struct rfl_now){ WORLD_BEGINS_MS, 1000 };
    world->session_idle_ms = 400 * 24 * HOUR_MS;    /* nobody goes away by being silent */
    world_restart(world);
}

void play_end(struct play *play)
{
    free(play->tape.bytes);
    play->tape = (struct tape){ 0 };
}

static void tape_put(struct tape *tape, const void *bytes, size_t len)
{
    if (tape->len + len > tape->cap) {
        tape->cap = 2 * (tape->len + len);
        tape->bytes = realloc(tape->bytes, tape->cap);
        assert_non_null(tape->bytes);
    }
    memcpy(tape->bytes + tape->len, bytes, len);
    tape->len += len;
}

/* The position in the log, and the log's signed head at that position, are of what everybody does, and every store has
 * keys of its own: no door's concern. All else must be the same. A repeated receipt is to have no head at all. */
static void record(struct play *play, const struct rfl_outgoing *said)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    struct rfl_reply reply = said->reply;
    if (reply.kind == RFL_MSG_RECEIPT)
        reply.receipt.log_sequence = 0;
    if (reply.kind == RFL_MSG_RECEIPT && !reply.receipt.replayed) {
        assert_int_equal(reply.receipt.head.signature.len, 64);
        memset(&reply.receipt.head, 0, sizeof reply.receipt.head);
    }
    uint32_t len = (uint32_t)rfl_wire_encode_reply(&reply, frame, sizeof frame), session = (uint32_t)said->session;
    assert_int_not_equal(len, 0);
    tape_put(&play->tape, &play->turn, sizeof play->turn);
    tape_put(&play->tape, &session, sizeof session);
    tape_put(&play->tape, &len, sizeof len);
    tape_put(&play->tape, frame, len);
    play->tape.frames++;
    enum rfl_tell tell;
    if (reply.kind == RFL_MSG_FEEDBACK &&
        rfl_tell_from_word((const char *)reply.feedback.word.p, reply.feedback.word.len, &tell))
        play->tape.told[tell]++;
}

static void text_from(char *out, size_t size, struct rfl_view view)
{
    (void)snprintf(out, size, "%.*s", (int)view.len, (const char *)view.p);
}

static void note(struct play *play, const struct rfl_reply *reply)
{
    if (reply->kind == RFL_MSG_REFUSAL)
        fail_msg("turn %u: an actor was refused: %s", play->turn, rfl_code_name((enum rfl_code)reply->refusal.code));
    if (reply->kind == RFL_MSG_OFFER) {
        text_from(play->code, sizeof play->code, reply->offer.case_code);
        play->token = reply->offer.token;
    }
}

void play_turn_begin(struct play *play, int64_t advance_ms)
{
    play->turn++;
    play->world->now.wall_ms += advance_ms;
    play->world->now.boot_ms += advance_ms;
    assert_int_equal(rfl_engine_begin(play->world->engine, &play->world->now), RFL_E_OK);
}

void play_ask(struct play *play, uint64_t session, const struct rfl_ask *ask)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    static struct rfl_ask decoded;
    size_t len = rfl_wire_encode_ask(ask, frame, sizeof frame);
    assert_int_not_equal(len, 0);
    rfl_arena_reset(&play->world->arena);
    assert_int_equal(rfl_wire_decode_ask((struct rfl_view){ frame, len }, &play->world->arena, &decoded), RFL_CODE_OK);
    rfl_engine_handle(play->world->engine, session, &decoded);
}

void play_turn_end(struct play *play)
{
    uint32_t count;
    rfl_engine_settle(play->world->engine);
    assert_int_equal(rfl_engine_commit(play->world->engine), RFL_E_OK);
    const struct rfl_outgoing *outbox = rfl_engine_outbox(play->world->engine, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (outbox[i].session >= ONLOOKER_SESSION && outbox[i].session < ONLOOKER_SESSION + ONLOOKERS)
            record(play, &outbox[i]);
        else
            note(play, &outbox[i].reply);
    }
}

static struct rfl_view body_of(enum rfl_door door, const struct person *person, enum rfl_consent consent)
{
    static uint8_t out[512];
    static const char *const needs[] = { "housing", "debt", "pain", "sleep" };
    struct rfl_form form = {
        .door = (uint8_t)door, .consent = (uint8_t)consent, .has_band = true, .band = RFL_BAND_ROUTINE,
        .employment = RFL_EMPLOYMENT_OFF_SICK, .main_barrier = (uint8_t)person->barrier,
        .safeguarding = person->safeguarding, .name = play_text(CANARY_NAME),
        .date_of_birth = play_text(CANARY_BIRTH), .phone = play_text(CANARY_PHONE),
        .address = play_text(CANARY_STREET), .contact_notes = play_text(CANARY_NOTES),
        .nhs_number = play_text(person->nhs_number), .gp_practice = play_text(person->practice) };
    for (unsigned i = 0; i < person->needs && i < 4; i++)
        form.needs[form.needs_count++] = play_text(needs[i]);
    struct rfl_view body = { out, rfl_wire_encode_form(&form, out, sizeof out) };
    assert_int_not_equal(body.len, 0);
    return body;
}

static struct rfl_ask onlooker_ask(const struct play *play, unsigned onlooker, enum rfl_message_kind kind,
                                   const char *reference)
{
    return (struct rfl_ask){ .kind = (uint8_t)kind, .correlation = play->turn * 100u + (unsigned)kind,
                             .reference = play_text(reference), .source = play_text(onlookers[onlooker].source) };
}

void play_submit(struct play *play, unsigned onlooker, const char *reference, const struct person *person)
{
    struct rfl_view body = body_of(onlookers[onlooker].door, person, RFL_CONSENT_GIVEN);
    memcpy(play->body[onlooker], body.p, body.len);
    play->body_len[onlooker] = body.len;
    struct rfl_ask ask = onlooker_ask(play, onlooker, RFL_MSG_SUBMIT, reference);
    ask.referral = body;
    play_ask(play, ONLOOKER_SESSION + onlooker, &ask);
}

void play_submit_gp(struct play *play, const char *reference, const struct person *person)
{
    struct rfl_ask ask = { .kind = RFL_MSG_SUBMIT, .correlation = play->turn, .source = play_text("gp-north"),
                           .reference = play_text(reference) };
    ask.referral = body_of(RFL_DOOR_GP, person, RFL_CONSENT_GIVEN);
    play_ask(play, GP_SESSION, &ask);
}

void play_amend(struct play *play, unsigned onlooker, const char *reference, uint32_t version,
                const struct person *person, enum rfl_consent consent)
{
    struct rfl_ask ask = onlooker_ask(play, onlooker, RFL_MSG_AMEND, reference);
    ask.referral = body_of(onlookers[onlooker].door, person, consent);
    ask.version = version;
    play_ask(play, ONLOOKER_SESSION + onlooker, &ask);
}

void play_probe(struct play *play, unsigned onlooker, const char *reference, bool closed)
{
    struct person another = { "9990000034", NULL, 17, 2, false };
    struct rfl_ask ask = onlooker_ask(play, onlooker, RFL_MSG_STATUS_QUERY, reference);
    another.practice = world_practice(2);
    play_ask(play, ONLOOKER_SESSION + onlooker, &ask);
    ask = onlooker_ask(play, onlooker, RFL_MSG_SUBMIT, reference);
    ask.referral = (struct rfl_view){ play->body[onlooker], play->body_len[onlooker] };
    play_ask(play, ONLOOKER_SESSION + onlooker, &ask);
    play_amend(play, onlooker, reference, 99, &another, RFL_CONSENT_GIVEN);
    if (!closed)
        return;
    play_amend(play, onlooker, reference, 0, &another, RFL_CONSENT_GIVEN);
    ask = onlooker_ask(play, onlooker, RFL_MSG_WITHDRAW, reference);
    ask.reason = RFL_WITHDRAW_REVOKED;
    play_ask(play, ONLOOKER_SESSION + onlooker, &ask);
}
