/* What the Jobcentre, an employer and a door without a column of its own can learn from all that they are told, and
 * from all that they can ask: nothing of why (promise P8). Histories that differ only in protected facts are run side
 * by side from the same beginning, and every frame that such a door gets must be the same, byte for byte, in the same
 * turn. */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 4, VARIANTS = 4 };

/* What differs is of one kind in each comparison; within it, everything else that doors do is the same. */
enum subject {
    WHY_CLOSED,         /* a provider said yes: which one, what was done, what came of it, who closed it and why */
    WHY_NOT_TAKEN,      /* nobody had said yes: declines, deferrals, and why it was closed */
    WHY_DECLINED,       /* a provider declined: why, and why and by whom it was closed days later */
    WHO_ELSE,           /* whether the GP sent the same person, and what the GP says of them */
    BEFORE,             /* how the person's earlier episode ended: a no is respected */
    SUBJECTS
};

enum step { S_PING, S_TRY_PHONE, S_TRY_LETTER, S_REACH, S_START, S_OUTCOME, S_TOUCH, S_DECLINE, S_SEND_BACK, S_DEFER };
enum ending { BY_WORKER, BY_TRIAGE, BY_PERSON_THROUGH_GP };

struct secret {
    enum step step[STEPS];
    enum ending ending;
    uint8_t close, decline, before;
    bool redirected, gp_same_person;
    unsigned barrier, needs;
    bool safeguarding, outcome_later;
};

/* What all variants of one seed share. */
struct shared {
    bool onlooker[ONLOOKERS], gp, gp_first;
    unsigned amended_at;                /* the step in which the Jobcentre amends its referral; STEPS and more: never */
    enum rfl_consent amended_to;
    int64_t pause_ms[STEPS + 1];
};

static struct world world;

static const struct person the_person = { "9990000018", NULL, 3, 1, false };

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static unsigned below(uint64_t *state, unsigned n) { return (unsigned)(next_random(state) % n); }

/* ---- inventing ---- */

/* Once a provider has it, days may pass. Before, less than half of any clock: what is told then is that time passes,
 * and each step has its own time. A respected no is watched for longer than half the time for a yes, and not to its
 * end. */
static void invent_shared(enum subject subject, uint64_t *luck, struct shared *shared)
{
    static const int64_t longest_ms[SUBJECTS] = { 48 * HOUR_MS, 8 * MINUTE_MS, 20 * HOUR_MS, 48 * HOUR_MS,
                                                   9 * HOUR_MS };
    memset(shared, 0, sizeof *shared);
    for (unsigned i = 0; i < ONLOOKERS; i++)
        shared->onlooker[i] = i == 0 || below(luck, 2) == 0;
    shared->gp = subject == WHO_ELSE || (subject != BEFORE && below(luck, 2) == 0);
    shared->gp_first = below(luck, 2) == 0;
    shared->amended_at = subject == BEFORE ? STEPS : below(luck, 2 * STEPS);
    bool taken = subject == WHY_CLOSED || subject == WHO_ELSE;
    shared->amended_to = taken && below(luck, 2) == 0 ? RFL_CONSENT_NOT_GIVEN : RFL_CONSENT_GIVEN;
    for (size_t i = 0; i < sizeof shared->pause_ms / sizeof shared->pause_ms[0]; i++)
        shared->pause_ms[i] = 1000 + (int64_t)below(luck, (unsigned)(longest_ms[subject] / 1000)) * 1000;
    if (subject == WHY_DECLINED)
        shared->pause_ms[0] = MINUTE_MS;        /* while the offer lasts */
}

static void shuffle(enum step step[STEPS], uint64_t *luck)
{
    for (unsigned i = STEPS - 1; i > 0; i--) {
        unsigned j = below(luck, i + 1);
        enum step kept = step[i];
        step[i] = step[j];
        step[j] = kept;
    }
}

static void invent_taken(uint64_t *luck, struct secret *secret)
{
    static const enum step early[] = { S_PING, S_TRY_PHONE, S_TRY_LETTER, S_REACH };
    static const enum step late[] = { S_PING, S_TRY_PHONE, S_REACH, S_OUTCOME };
    unsigned start = below(luck, 2 * STEPS);
    for (unsigned i = 0; i < STEPS; i++)
        secret->step[i] = i == start ? S_START : i < start ? early[below(luck, 4)] : late[below(luck, 4)];
    if (secret->close == RFL_CLOSE_UNREACHABLE) {
        const enum step tries[STEPS] = { S_TRY_PHONE, S_TRY_LETTER, S_TRY_PHONE, S_PING };
        memcpy(secret->step, tries, sizeof tries);
        shuffle(secret->step, luck);
    }
}

static void invent_not_taken(uint64_t *luck, struct secret *secret)
{
    enum { OFFERED, DECLINING, DEFERRED } at = OFFERED;
    for (unsigned i = 0; i < STEPS; i++) {
        static const enum step offered[] = { S_PING, S_TOUCH, S_DECLINE, S_DEFER };
        if (at == OFFERED)
            secret->step[i] = offered[below(luck, 4)];
        else
            secret->step[i] = at == DECLINING && below(luck, 2) == 0 ? S_SEND_BACK : S_PING;
        at = secret->step[i] == S_DECLINE ? DECLINING : secret->step[i] == S_DEFER ? DEFERRED
             : secret->step[i] == S_SEND_BACK ? OFFERED : at;
    }
}

static void invent_secret(enum subject subject, const struct shared *shared, uint64_t *luck, struct secret *secret)
{
    static const uint8_t befores[] = { RFL_CLOSE_PERSON_DECLINED, RFL_CLOSE_COMPLETED, RFL_CLOSE_NOT_ELIGIBLE,
                                       RFL_CLOSE_PERSON_MOVED };
    *secret = (struct secret){ .close = RFL_CLOSE_COMPLETED, .gp_same_person = true, .barrier = 4, .needs = 1 };
    if (subject == WHY_CLOSED || subject == WHY_NOT_TAKEN || subject == WHY_DECLINED) {
        secret->close = (uint8_t)(1 + below(luck, RFL_CLOSE_JOINED_OTHER_CASE - 1));
        secret->decline = (uint8_t)(1 + below(luck, RFL_DECLINE_COUNT - 1));
        secret->ending = subject != WHY_CLOSED ? BY_TRIAGE : (enum ending)below(luck, 2);
        if (shared->gp && below(luck, 3) == 0)
            secret->ending = BY_PERSON_THROUGH_GP;
        secret->redirected = below(luck, 2) == 0;
        secret->outcome_later = below(luck, 2) == 0 && secret->ending == BY_WORKER;
    }
    if (subject == WHY_CLOSED)
        invent_taken(luck, secret);
    if (subject == WHY_NOT_TAKEN)
        invent_not_taken(luck, secret);
    if (subject == WHY_DECLINED)
        secret->step[0] = S_DECLINE;
    if (subject != WHY_CLOSED && secret->close == RFL_CLOSE_UNREACHABLE)
        secret->close = RFL_CLOSE_NOT_ELIGIBLE;     /* nobody is unreachable before somebody has tried */
    if (subject == WHO_ELSE) {
        secret->gp_same_person = below(luck, 2) == 0;
        secret->barrier = below(luck, RFL_BARRIER_MAX + 1);
        secret->needs = below(luck, 5);
        secret->safeguarding = below(luck, 2) == 0;
    }
    if (subject == BEFORE)
        secret->before = befores[below(luck, 4)];
}

/* ---- acting ---- */

static struct rfl_ask worker_ask(const struct play *play, enum rfl_message_kind kind)
{
    return (struct rfl_ask){ .kind = (uint8_t)kind, .correlation = 9, .worker = play_text("intake-a"),
                             .code = play_text(play->code), .token = play->token };
}

static struct rfl_ask operator_ask(const struct play *play, enum rfl_message_kind kind)
{
    return (struct rfl_ask){ .kind = (uint8_t)kind, .correlation = 9, .code = play_text(play->code),
                             .operator_name = play_text("triage-a"), .why = play_text("agreed by telephone") };
}

static void subscribe(struct play *play)
{
    const struct rfl_view queues[] = { play_text("greater-manchester/intake"),
                                       play_text("cornwall-isles-of-scilly/intake") };
    struct rfl_ask ask = { .kind = RFL_MSG_SUBSCRIBE, .correlation = 9, .worker = play_text("intake-a"), .credit = 1,
                           .names = queues, .names_count = 2 };
    play_ask(play, WORKER_SESSION, &ask);
}

static void act(struct play *play, const struct secret *secret, enum step step)
{
    static const enum rfl_message_kind kinds[] = {
        [S_PING] = RFL_MSG_PING, [S_TRY_PHONE] = RFL_MSG_CONTACTED, [S_TRY_LETTER] = RFL_MSG_CONTACTED,
        [S_REACH] = RFL_MSG_CONTACTED, [S_START] = RFL_MSG_STARTED, [S_OUTCOME] = RFL_MSG_OUTCOME,
        [S_TOUCH] = RFL_MSG_TOUCH, [S_DECLINE] = RFL_MSG_DECLINE, [S_DEFER] = RFL_MSG_DEFER };
    if (step == S_SEND_BACK) {
        struct rfl_ask back = operator_ask(play, RFL_MSG_SEND_BACK);
        play_ask(play, OPERATOR_SESSION, &back);
        return;
    }
    struct rfl_ask ask = worker_ask(play, kinds[step]);
    if (step == S_PING)
        ask = (struct rfl_ask){ .kind = RFL_MSG_PING, .correlation = 9 };
    ask.channel = step == S_TRY_LETTER ? RFL_CHANNEL_LETTER : RFL_CHANNEL_PHONE;
    ask.reached = step == S_REACH;
    ask.outcome = RFL_OUTCOME_PLAN_AGREED;
    if (step == S_DECLINE) {
        ask.reason = secret->decline;
        ask.text = play_text("not this service");
        ask.role = play_text("intake nurse");
    }
    if (step == S_DEFER)
        ask.at_ms = play->world->now.wall_ms + 24 * HOUR_MS;
    play_ask(play, WORKER_SESSION, &ask);
}

static void end_case(struct play *play, const struct secret *secret)
{
    struct rfl_ask ask = { .kind = RFL_MSG_WITHDRAW, .correlation = 9, .source = play_text("gp-north"),
                           .reference = play_text("gp-1"), .reason = RFL_WITHDRAW_PERSON };
    if (secret->ending == BY_PERSON_THROUGH_GP) {
        play_ask(play, GP_SESSION, &ask);
        return;
    }
    bool worker = secret->ending == BY_WORKER;
    ask = worker ? worker_ask(play, RFL_MSG_CLOSE) : operator_ask(play, RFL_MSG_SHUT);
    ask.reason = secret->close;
    play_ask(play, worker ? WORKER_SESSION : OPERATOR_SESSION, &ask);
}

/* To another provider, who is the same worker here, or not. */
static void redirect(struct play *play, bool redirected)
{
    struct rfl_ask ask = worker_ask(play, redirected ? RFL_MSG_REDIRECT : RFL_MSG_TOUCH);
    if (redirected) {
        ask.queue = play_text("cornwall-isles-of-scilly/intake");
        ask.reason = RFL_DECLINE_NEED_NOT_MET_HERE;
        ask.text = play_text("lives there now");
        ask.role = play_text("intake nurse");
    }
    play_ask(play, WORKER_SESSION, &ask);
}

static void accept(struct play *play)
{
    struct rfl_ask ask = worker_ask(play, RFL_MSG_ACCEPT);
    play_ask(play, WORKER_SESSION, &ask);
}

/* ---- histories ---- */

static struct person person_of(const struct secret *secret, bool same)
{
    struct person person = the_person;
    person.practice = world_practice(0);
    if (secret != NULL) {
        person.barrier = secret->barrier;
        person.needs = secret->needs;
        person.safeguarding = secret->safeguarding;
    }
    if (!same) {
        person.nhs_number = "9990000026";
        person.practice = world_practice(1);
    }
    return person;
}

static void probe_all(struct play *play, const struct shared *shared, bool closed)
{
    for (unsigned i = 0; i < ONLOOKERS; i++)
        if (shared->onlooker[i] && play->body_len[i] != 0)
            play_probe(play, i, "one", closed);
}

/* The person was here before, through the GP alone, and the GP's episode ended so. */
static void earlier_episode(struct play *play, const struct secret *secret)
{
    struct person person = person_of(NULL, true);
    play_turn_begin(play, MINUTE_MS);
    play_submit_gp(play, "gp-0", &person);
    play_turn_end(play);
    play_turn_begin(play, MINUTE_MS);
    accept(play);
    play_turn_end(play);
    play_turn_begin(play, MINUTE_MS);
    struct rfl_ask ask = worker_ask(play, RFL_MSG_CLOSE);
    ask.reason = secret->before;
    play_ask(play, WORKER_SESSION, &ask);
    play_turn_end(play);
    play_turn_begin(play, MINUTE_MS);
    ask = (struct rfl_ask){ .kind = RFL_MSG_GOODBYE, .correlation = 9, .worker = play_text("intake-a") };
    play_ask(play, WORKER_SESSION, &ask);
    play_turn_end(play);
}

static void refer_gp(struct play *play, const struct secret *secret)
{
    struct person person = person_of(secret, secret->gp_same_person);
    play_turn_begin(play, MINUTE_MS);
    play_submit_gp(play, "gp-1", &person);
    play_turn_end(play);
}

static void refer_all(struct play *play, const struct shared *shared, const struct secret *secret)
{
    struct person person = person_of(NULL, true);
    if (shared->gp && shared->gp_first)
        refer_gp(play, secret);
    for (unsigned i = 0; i < ONLOOKERS; i++) {
        if (!shared->onlooker[i])
            continue;
        play_turn_begin(play, MINUTE_MS);
        play_submit(play, i, "one", &person);
        play_turn_end(play);
    }
    if (shared->gp && !shared->gp_first)
        refer_gp(play, secret);
}

static void open_mailboxes(struct play *play)
{
    play_turn_begin(play, MINUTE_MS);
    for (unsigned i = 0; i < ONLOOKERS; i++) {
        struct rfl_ask ask = { .kind = RFL_MSG_MAILBOX_OPEN, .correlation = 1, .credit = 64,
                               .source = play_text(onlookers[i].source) };
        play_ask(play, ONLOOKER_SESSION + i, &ask);
    }
    subscribe(play);
    play_turn_end(play);
}

/* After the end: every question again, an outcome that comes late, the same referrals again (a replay), and a new one
 * by the Jobcentre. */
static void aftermath(struct play *play, const struct shared *shared, const struct secret *secret)
{
    struct person person = person_of(NULL, true);
    play_turn_begin(play, MINUTE_MS);
    if (secret->outcome_later)
        act(play, secret, S_OUTCOME);
    probe_all(play, shared, true);
    for (unsigned i = 1; i < ONLOOKERS; i++)
        if (shared->onlooker[i])
            play_submit(play, i, "one", &person);
    play_turn_end(play);
    play_turn_begin(play, MINUTE_MS);
    play_submit(play, 0, "two", &person);
    play_turn_end(play);
    play_turn_begin(play, MINUTE_MS);
    play_probe(play, 0, "two", false);
    play_turn_end(play);
}

static void perform(struct play *play, enum subject subject, const struct shared *shared, const struct secret *secret)
{
    struct person amended = person_of(NULL, true);
    amended.barrier = 9;
    open_mailboxes(play);
    if (subject == BEFORE)
        earlier_episode(play, secret);
    refer_all(play, shared, secret);
    if (subject == WHY_CLOSED) {
        play_turn_begin(play, MINUTE_MS);
        redirect(play, secret->redirected);
        probe_all(play, shared, false);
        play_turn_end(play);
    }
    if (subject == WHY_CLOSED || subject == WHO_ELSE) {
        play_turn_begin(play, MINUTE_MS);
        accept(play);
        probe_all(play, shared, false);
        play_turn_end(play);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        play_turn_begin(play, shared->pause_ms[i]);
        if (i == shared->amended_at)
            play_amend(play, 0, "one", 0, &amended, shared->amended_to);
        if (subject == WHY_CLOSED || subject == WHY_NOT_TAKEN || subject == WHY_DECLINED)
            act(play, secret, secret->step[i]);
        probe_all(play, shared, false);
        play_turn_end(play);
    }
    if (subject == BEFORE)
        return;
    play_turn_begin(play, shared->pause_ms[STEPS]);
    end_case(play, secret);
    probe_all(play, shared, true);
    play_turn_end(play);
    aftermath(play, shared, secret);
}

/* ---- comparing ---- */

static uint64_t setting(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text == NULL ? fallback : strtoull(text, NULL, 10);
}

static bool same_tape(const struct tape *a, const struct tape *b)
{
    return a->frames == b->frames && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static void say_difference(const struct tape *a, const struct tape *b)
{
    size_t at = 0;
    while (at + 12 <= a->len && at + 12 <= b->len) {
        uint32_t head[3], other[3];
        memcpy(head, a->bytes + at, sizeof head);
        memcpy(other, b->bytes + at, sizeof other);
        size_t frame = sizeof head + head[2];
        if (memcmp(head, other, sizeof head) != 0 || memcmp(a->bytes + at, b->bytes + at, frame) != 0) {
            print_message("turn %u, session %u, %u bytes; turn %u, session %u, %u bytes\n", head[0], head[1], head[2],
                          other[0], other[1], other[2]);
            return;
        }
        at += frame;
    }
    print_message("one tape ends before the other\n");
}

struct tally { uint64_t compared, frames, different, waited; };

/* Who was closed heard it once, whoever somebody said yes to heard that, and nothing else was said. */
static void check_told(enum subject subject, const struct shared *shared, const struct tape *tape)
{
    unsigned doors = 0;
    for (unsigned i = 0; i < ONLOOKERS; i++)
        doors += shared->onlooker[i] ? 1 : 0;
    bool taken = subject == WHY_CLOSED || subject == WHO_ELSE;
    assert_int_equal(tape->told[RFL_TELL_CLOSED], subject == BEFORE ? 0 : doors);
    assert_int_equal(tape->told[RFL_TELL_WITH_THE_SERVICE], taken ? doors : 0);
    assert_true(subject == BEFORE || subject == WHY_DECLINED || tape->told[RFL_TELL_WAITING] == 0);
    assert_int_equal(tape->told[RFL_TELL_HELD] + tape->told[RFL_TELL_STARTED] + tape->told[RFL_TELL_OUTCOME] +
                     tape->told[RFL_TELL_ACCEPTED] + tape->told[RFL_TELL_REDIRECTED], 0);
}

/* One seed: the same doors and times, several secrets; all tapes against the first. */
static void compare_seed(enum subject subject, uint64_t seed, struct tally *tally, bool loud)
{
    struct play first, other;
    struct shared shared;
    struct secret secret;
    uint64_t luck = seed * SUBJECTS + subject;
    invent_shared(subject, &luck, &shared);
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        struct play *play = variant == 0 ? &first : &other;
        invent_secret(subject, &shared, &luck, &secret);
        play_begin(play, &world);
        perform(play, subject, &shared, &secret);
        if (loud)
            check_told(subject, &shared, &play->tape);
        tally->waited += play->tape.told[RFL_TELL_WAITING] > 0 ? 1 : 0;
        if (variant == 0)
            continue;
        bool same = same_tape(&first.tape, &other.tape);
        tally->compared++;
        tally->frames += other.tape.frames;
        tally->different += same ? 0 : 1;
        if (!same && loud)
            say_difference(&first.tape, &other.tape);
        play_end(&other);
    }
    play_end(&first);
}

static void compare_subject(enum subject subject)
{
    struct tally tally = { 0 };
    uint64_t count = setting("RFL_PAIRS", 12), seed = setting("RFL_SEED", 1);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t before = tally.different;
        compare_seed(subject, seed + i, &tally, true);
        if (tally.different != before)
            fail_msg("seed %llu: a protected door can tell", (unsigned long long)(seed + i));
    }
    print_message("%llu pairs from seed %llu, %llu frames, all the same\n", (unsigned long long)tally.compared,
                  (unsigned long long)seed, (unsigned long long)tally.frames);
    assert_true(tally.frames > 10 * tally.compared);
    assert_true((subject != BEFORE && subject != WHY_DECLINED) || tally.waited > 0);
}

static void protected_doors_cannot_tell_why_it_was_closed(void **state)
{
    (void)state;
    compare_subject(WHY_CLOSED);
}

static void protected_doors_cannot_tell_who_did_not_take_it(void **state)
{
    (void)state;
    compare_subject(WHY_NOT_TAKEN);
}

static void protected_doors_cannot_tell_why_a_provider_declined(void **state)
{
    (void)state;
    compare_subject(WHY_DECLINED);
}

static void protected_doors_cannot_tell_who_else_referred(void **state)
{
    (void)state;
    compare_subject(WHO_ELSE);
}

static void protected_doors_cannot_tell_an_earlier_no(void **state)
{
    (void)state;
    compare_subject(BEFORE);
}

/* The comparison can fail: each of these matrices, which no loader would take, is found out within a few seeds. */
static void matrices_that_tell_are_found_out(void **state)
{
    (void)state;
    static const struct { enum subject subject; enum rfl_disclosed row; struct rfl_disclosure cell; } leaks[] = {
        { WHY_CLOSED, RFL_DISCLOSED_CLOSED_PERSON, { RFL_TELL_CLOSED, false, true } },
        { WHY_CLOSED, RFL_DISCLOSED_CLOSED_SERVICE, { RFL_TELL_NOTHING, false, false } },
        { WHY_CLOSED, RFL_DISCLOSED_STARTED, { RFL_TELL_STARTED, false, false } },
        { WHY_CLOSED, RFL_DISCLOSED_ACCEPTED, { RFL_TELL_WITH_THE_SERVICE, true, false } },
        { WHY_CLOSED, RFL_DISCLOSED_REDIRECTED, { RFL_TELL_REDIRECTED, false, false } },
        { WHY_NOT_TAKEN, RFL_DISCLOSED_CLOSED_SERVICE, { RFL_TELL_CLOSED, false, true } },
    };
    for (size_t i = 0; i < sizeof leaks / sizeof leaks[0] + 1; i++) {
        bool place = i == sizeof leaks / sizeof leaks[0];
        struct tally tally = { 0 };
        uint16_t place_doors = world.policy->place_doors;
        struct rfl_disclosure *cell = place ? NULL : &world.policy->disclosure[leaks[i].row][RFL_DOOR_JOBCENTRE], kept;
        uint8_t notify = world.policy->notify[RFL_DOOR_JOBCENTRE];
        world.policy->notify[RFL_DOOR_JOBCENTRE] = (1u << RFL_NOTIFY_COUNT) - 1;
        if (place) {
            world.policy->place_doors = (uint16_t)(place_doors | 1u << RFL_DOOR_JOBCENTRE);
        } else {
            kept = *cell;
            *cell = leaks[i].cell;
        }
        for (uint64_t seed = 1; seed <= 8 && tally.different == 0; seed++)
            compare_seed(place ? WHO_ELSE : leaks[i].subject, seed, &tally, false);
        if (tally.different == 0)
            fail_msg("leak %u was not found out in %u pairs", (unsigned)i, (unsigned)tally.compared);
        if (!place)
            *cell = kept;
        world.policy->place_doors = place_doors;
        world.policy->notify[RFL_DOOR_JOBCENTRE] = notify;
    }
}

static int set_up(void **state)
{
    (void)state;
    world_open(&world, "config/policy", 16 << 20);
    play_keep(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protected_doors_cannot_tell_why_it_was_closed),
        cmocka_unit_test(protected_doors_cannot_tell_who_did_not_take_it),
        cmocka_unit_test(protected_doors_cannot_tell_why_a_provider_declined),
        cmocka_unit_test(protected_doors_cannot_tell_who_else_referred),
        cmocka_unit_test(protected_doors_cannot_tell_an_earlier_no),
        cmocka_unit_test(matrices_that_tell_are_found_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
