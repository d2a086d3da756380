/* Intake workers: each a process with its own connection, deciding by its own seed, telling its parent by lines. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo.h"

enum { CREDIT = 16, DOOMED_CREDIT = 24, DOOMED_HOLDS = 8, REVOKED_HOLDS = 4, PING_MS = 400, DEFER_MS = 1500,
       WAIT_MS = 60000 };

/* ---- inside the process ---- */

struct desk {
    const struct demo_world *world;
    struct demo_rng rng;
    char name[DEMO_NAME_BYTES];
    int out;
    uint32_t number, credit;
    bool silent;                                /* takes offers and answers none */
};

static volatile sig_atomic_t told_to_stop;
static void on_term(int signal_number)
{
    (void)signal_number;
    told_to_stop = 1;
}

/* One line, one write: whole even when two processes shared the pipe. */
static void tell(const struct desk *desk, char what, struct rfl_view code)
{
    char line[64];
    int len = snprintf(line, sizeof line, "%c %.*s\n", what, (int)code.len, (const char *)code.p);
    if (len <= 0 || write(desk->out, line, (size_t)len) != len)
        _exit(1);
}

/* Tags remember what was asked. */
enum { TAG_ACCEPT = 1, TAG_DECLINE, TAG_REDIRECT, TAG_DEFER, TAG_CONTACT, TAG_START };

static void answer_offer(struct desk *desk, struct rfl_client *client, const struct rfl_msg_offer *offer)
{
    uint32_t lot = demo_rng_below(&desk->rng, 100), tag = TAG_ACCEPT;
    struct rfl_ask ask = { .kind = RFL_MSG_ACCEPT, .worker = rfl_view_of(desk->name), .code = offer->case_code,
                           .token = offer->token };
    if (lot >= 93) {
        /* Not to where an operator may have diverted people to this very queue: that redirect leads nowhere. */
        uint32_t first = DEMO_PAUSED + DEMO_DIVERTED, count = desk->world->area_count - first;
        const struct demo_area *other = &desk->world->area[first + demo_rng_below(&desk->rng, count)];
        ask.queue = rfl_view_of(other->intake);
        if (ask.queue.len != offer->queue.len || memcmp(ask.queue.p, offer->queue.p, ask.queue.len) != 0) {
            ask.kind = RFL_MSG_REDIRECT;
            ask.reason = RFL_DECLINE_OUT_OF_AREA;
            tag = TAG_REDIRECT;
        }
    } else if (lot >= 88) {
        ask.kind = RFL_MSG_DEFER;
        ask.at_ms = demo_now_ms() + DEFER_MS;
        tag = TAG_DEFER;
    } else if (lot >= 80) {
        ask.kind = RFL_MSG_DECLINE;
        ask.reason = (uint8_t)(RFL_DECLINE_OUT_OF_AREA + demo_rng_below(&desk->rng, 4));
        ask.role = rfl_view_of("intake officer");
        ask.text = rfl_view_of("an invented reason, in words");
        tag = TAG_DECLINE;
    }
    if (rfl_client_send(client, &ask, tag) != RFL_E_OK)
        _exit(1);
}

/* An accepted person is rung; every third is reached at once and starts. */
static void go_on(struct desk *desk, struct rfl_client *client, const struct rfl_msg_record *record)
{
    struct rfl_ask ask = { .kind = RFL_MSG_CONTACTED, .worker = rfl_view_of(desk->name), .code = record->case_code,
                           .token = record->token, .channel = RFL_CHANNEL_PHONE, .reached = true };
    if (record->index + 1 != record->total || demo_rng_below(&desk->rng, 3) != 0)
        return;
    if (rfl_client_send(client, &ask, TAG_CONTACT) != RFL_E_OK)
        _exit(1);
}

static void start(struct desk *desk, struct rfl_client *client, const struct rfl_msg_done *done)
{
    struct rfl_ask ask = { .kind = RFL_MSG_STARTED, .worker = rfl_view_of(desk->name), .code = done->case_code,
                           .token = done->token };
    if (rfl_client_send(client, &ask, TAG_START) != RFL_E_OK)
        _exit(1);
}

static void done(struct desk *desk, struct rfl_client *client, uint64_t tag, const struct rfl_msg_done *message)
{
    static const char letters[] = { [TAG_DECLINE] = 'D', [TAG_REDIRECT] = 'R', [TAG_DEFER] = 'F', [TAG_START] = 'S' };
    if (tag == TAG_CONTACT)
        start(desk, client, message);
    else if (tag < sizeof letters && letters[tag] != 0)
        tell(desk, letters[tag], message->case_code);
}

static void heard(void *ctx, struct rfl_client *client, uint64_t tag, const struct rfl_reply *reply)
{
    struct desk *desk = ctx;
    if (reply->kind == RFL_MSG_OFFER) {
        tell(desk, 'O', reply->offer.case_code);
        if (!desk->silent && !told_to_stop)
            answer_offer(desk, client, &reply->offer);
    } else if (reply->kind == RFL_MSG_RECORD) {
        if (reply->record.index + 1 == reply->record.total)
            tell(desk, tag == TAG_ACCEPT ? 'A' : 'J', reply->record.case_code);
        if (tag == TAG_ACCEPT)
            go_on(desk, client, &reply->record);
    } else if (reply->kind == RFL_MSG_DONE) {
        done(desk, client, tag, &reply->done);
    } else if (reply->kind == RFL_MSG_REFUSAL) {
        enum rfl_code code = (enum rfl_code)reply->refusal.code;
        tell(desk, code == RFL_CODE_FENCED || code == RFL_CODE_STATE ? 'X' : 'P', rfl_view_of(rfl_code_name(code)));
    }
}

void demo_desk_name(uint32_t number, char out[DEMO_NAME_BYTES])
{
    (void)snprintf(out, DEMO_NAME_BYTES, "desk-%u", number);
}

uint32_t demo_desk_queues(const struct demo_world *world, uint32_t number,
                          struct rfl_view out[DEMO_QUEUES_OF_A_DESK_MAX])
{
    uint32_t count = 0;
    for (uint32_t a = 0; a < world->area_count; a++)
        if (number >= DEMO_WORKERS || a % DEMO_WORKERS == number)
            out[count++] = rfl_view_of(world->area[a].intake);
    for (uint32_t i = number; number < DEMO_WORKERS && i < world->further_count; i += DEMO_WORKERS)
        out[count++] = rfl_view_of(world->further[i]);
    return count;
}

static int work(struct desk *desk, const struct demo *demo)
{
    struct rfl_client *client = NULL;
    struct rfl_view queues[DEMO_QUEUES_OF_A_DESK_MAX];
    uint32_t count = demo_desk_queues(desk->world, desk->number, queues);
    const struct rfl_client_options options = { .endpoint = demo->workers, .heard = heard, .ctx = desk,
                                                .resend_ms = 500, .resend_max_ms = 2000, .ping_ms = PING_MS };
    if (!demo_keys_connect(demo, desk->name, &options, &client)
        || rfl_client_subscribe(client, rfl_view_of(desk->name), queues, count, desk->credit) != RFL_E_OK)
        return 1;
    while (!told_to_stop || rfl_client_in_flight(client) > 0) {
        if (rfl_client_poll(client, 100) == -1)
            return 1;
        if (rfl_client_trouble(client) == RFL_TROUBLE_KEY_ENDED) {
            tell(desk, 'K', rfl_view_of("key ended"));
            rfl_client_free(&client);
            return 0;
        }
    }
    struct rfl_ask goodbye = { .kind = RFL_MSG_GOODBYE, .worker = rfl_view_of(desk->name) };
    struct rfl_reply reply;
    bool good = rfl_client_ask(client, &goodbye, 10000, &reply) == RFL_E_OK && reply.kind == RFL_MSG_BYE;
    rfl_client_free(&client);
    return good ? 0 : 1;
}

/* ---- the parent's side ---- */

static bool start_one(struct demo *demo, uint32_t number)
{
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC) == -1)
        return false;
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == -1)
        return false;
    if (pid == 0) {
        struct desk desk = { .world = &demo->world, .rng = { demo->world.seed * 31 + number }, .out = pipe_fd[1],
                             .number = number, .silent = number >= DEMO_WORKERS,
                             .credit = number == DEMO_DOOMED ? DOOMED_CREDIT
                                     : number == DEMO_REVOKED ? DEMO_REVOKED_CREDIT : CREDIT };
        (void)close(pipe_fd[0]);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGTERM, on_term);
        demo_desk_name(number, desk.name);
        _exit(work(&desk, demo));
    }
    (void)close(pipe_fd[1]);
    (void)fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
    demo->worker[number] = (struct demo_worker){ .pid = pid, .fd = pipe_fd[0] };
    return true;
}

bool demo_workers_start(struct demo *demo)
{
    for (uint32_t i = 0; i < DEMO_DESKS; i++)
        if (!start_one(demo, i))
            return false;
    return true;
}

/* Whom the worker holds whose key will be revoked; from then on, who of them was offered to somebody else. Before, an
 * offer may lapse and go to another one: a busy machine lets a worker wait for longer than a session lasts. */
static void take_offer(struct demo *demo, uint32_t number, const char *code)
{
    uint32_t at = 0;
    demo->tally.offers++;
    demo->worker[number].offers++;
    while (at < demo->cut_count && strcmp(demo->cut[at].code, code) != 0)
        at++;
    bool known = at < demo->cut_count;
    if (number == DEMO_REVOKED && !known && at < DEMO_CUT_MAX && strlen(code) < DEMO_CODE_BYTES)
        memmove(demo->cut[demo->cut_count++].code, code, strlen(code) + 1);
    else if (number != DEMO_REVOKED && known && demo->revoked)
        demo->cut[at].taken = true;
    else if (number != DEMO_REVOKED && known)
        demo->cut[at] = demo->cut[--demo->cut_count];
}

static void take_line(struct demo *demo, uint32_t number, const char *line)
{
    struct demo_tally *tally = &demo->tally;
    switch (line[0]) {
    case 'O': take_offer(demo, number, line + 2); break;
    case 'K': demo->worker[number].cut = true; break;
    case 'A':
        assert(demo->told_count < demo->told_room);
        (void)snprintf(demo->told[demo->told_count].code, DEMO_CODE_BYTES, "%.*s", DEMO_CODE_BYTES - 1, line + 2);
        demo->told[demo->told_count++].worker = number;
        break;
    case 'J': tally->added++; break;
    case 'D': tally->declined++; break;
    case 'R': tally->redirected++; break;
    case 'F': tally->deferred++; break;
    case 'S': tally->started++; break;
    case 'X': tally->fenced++; break;
    case 'P':
        tally->refused++;
        demo_say("a worker was refused: %s", line + 2);
        break;
    default: printf("a worker said something that is not understood\n"); break;
    }
}

static void hear_one(struct demo *demo, uint32_t number)
{
    struct demo_worker *worker = &demo->worker[number];
    ssize_t got;
    while (worker->fd > 0
           && (got = read(worker->fd, worker->line + worker->used, sizeof worker->line - worker->used)) > 0) {
        worker->used += (size_t)got;
        char *end;
        while ((end = memchr(worker->line, '\n', worker->used)) != NULL) {
            *end = '\0';
            take_line(demo, number, worker->line);
            worker->used -= (size_t)(end + 1 - worker->line);
            memmove(worker->line, end + 1, worker->used);
        }
    }
}

void demo_workers_hear(struct demo *demo)
{
    for (uint32_t i = 0; i < DEMO_DESKS; i++)
        hear_one(demo, i);
}

static int reap(struct demo_worker *worker)
{
    int status = 0;
    while (waitpid(worker->pid, &status, 0) == -1 && errno == EINTR)
        continue;
    return status;
}

static bool wait_for_lines(struct demo *demo, struct demo_worker *worker, const uint32_t *held, uint32_t offers,
                           bool cut)
{
    int64_t until_ms = demo_now_ms() + WAIT_MS;
    while (*held < offers || worker->cut != cut) {
        struct pollfd wait = { .fd = worker->fd, .events = POLLIN };
        (void)poll(&wait, 1, 100);
        demo_workers_hear(demo);
        if (demo_now_ms() > until_ms) {
            printf("a worker that was to hold %u offers had %u; its key %s\n", offers, *held,
                   worker->cut ? "was revoked" : "was not revoked");
            return false;
        }
    }
    return true;
}

/* Its last words are read. */
static bool bury(struct demo *demo, struct demo_worker *worker)
{
    int status = reap(worker);
    demo_workers_hear(demo);
    (void)close(worker->fd);
    worker->fd = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool demo_workers_kill_one(struct demo *demo)
{
    struct demo_worker *worker = &demo->worker[DEMO_DOOMED];
    if (!wait_for_lines(demo, worker, &worker->offers, DOOMED_HOLDS, false))
        return false;
    (void)kill(worker->pid, SIGKILL);
    (void)bury(demo, worker);
    demo->held_at_death = worker->offers;
    demo->worker_kills++;
    return true;
}

bool demo_workers_revoke_one(struct demo *demo)
{
    struct demo_worker *worker = &demo->worker[DEMO_REVOKED];
    char name[DEMO_NAME_BYTES];
    demo_desk_name(DEMO_REVOKED, name);
    if (!wait_for_lines(demo, worker, &demo->cut_count, REVOKED_HOLDS, false))
        return false;
    demo->revoked = true;                       /* who is offered one of its cases from now on takes it over */
    return demo_keys_revoke(demo, name) && wait_for_lines(demo, worker, &demo->cut_count, REVOKED_HOLDS, true)
        && bury(demo, worker);
}

bool demo_workers_stop(struct demo *demo)
{
    bool good = true;
    for (uint32_t i = 0; i < DEMO_WORKERS; i++) {
        struct demo_worker *worker = &demo->worker[i];
        (void)kill(worker->pid, SIGTERM);
        int status = reap(worker);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            printf("worker desk-%u did not leave in order\n", i);
            good = false;
        }
        hear_one(demo, i);
        (void)close(worker->fd);
        worker->fd = 0;
    }
    return good;
}
