#include "quota.h"

#include <stdlib.h>

/* Twice as many places as there can be keys, so that a probe soon finds a free one. */
enum { PLACES = 2 * RFL_KEYS_MAX, SHAKES_KEPT = 4, US = 1000 };
static_assert((PLACES & (PLACES - 1)) == 0, "places are found with a mask");

struct account {
    bool used;
    uint8_t strikes;
    struct rfl_curve_key key;
    int64_t taken_us;                   /* when everything taken would have come at exactly `rate` */
    int64_t promised_us;                /* the last moment named in a BUSY */
    int64_t busy_us;                    /* the same for BUSY answers: how far they are ahead of `rate` */
    int64_t shook_us;                   /* the same for handshakes */
    int64_t shut_until_ms;
    uint32_t live, counting;            /* connections that were heard: of the last round, and of this one */
    uint32_t silent[2];                 /* handshakes of this and the last QUOTA_SILENT_MS not heard since */
    int64_t silent_epoch;
    int64_t shake_ms[SHAKES_KEPT];      /* the last handshakes; 0: none, or heard since */
    uint64_t held;
    uint64_t count_round;               /* of `live` and `held` */
};

struct quota {
    uint64_t count_round;
    const struct rfl_keys *keys;
    struct account *account, *spare;
    struct quota_counters counters;
    uint32_t struck_count;
    struct quota_struck struck[QUOTA_STRIKES_KEPT];
};

struct quota *quota_new(void)
{
    struct quota *quota = calloc(1, sizeof *quota);
    if (quota == NULL)
        return NULL;
    quota->account = calloc(PLACES, sizeof *quota->account);
    quota->spare = calloc(PLACES, sizeof *quota->spare);
    if (quota->account == NULL || quota->spare == NULL)
        quota_free(&quota);
    return quota;
}

void quota_free(struct quota **quota)
{
    if (*quota != NULL) {
        free((*quota)->account);
        free((*quota)->spare);
    }
    free(*quota);
    *quota = NULL;
}

const struct quota_counters *quota_counters(const struct quota *quota) { return &quota->counters; }

/* The key's account, or the free place where it would be. Public keys are as good as random. */
static struct account *probe(struct account *accounts, const struct rfl_curve_key *key)
{
    uint32_t at;
    memcpy(&at, key->b, sizeof at);
    for (at &= PLACES - 1; accounts[at].used && memcmp(&accounts[at].key, key, sizeof *key) != 0; )
        at = (at + 1) & (PLACES - 1);
    return &accounts[at];
}

/* What was counted in the last round is known, and this one begins with nothing. */
static struct account *counted(const struct quota *quota, struct account *account)
{
    if (account->count_round != quota->count_round) {
        account->live = account->count_round + 1 == quota->count_round ? account->counting : 0;
        account->counting = 0;
        account->held = 0;
        account->count_round = quota->count_round;
    }
    return account;
}

/* NULL: no key in force. */
static struct account *account_of(struct quota *quota, const struct rfl_curve_key *key,
                                  const struct rfl_key_entry **entry)
{
    *entry = quota->keys != NULL ? rfl_keys_find(quota->keys, key) : NULL;
    if (*entry == NULL)
        return NULL;
    struct account *account = probe(quota->account, key);
    if (!account->used) {
        memset(account, 0, sizeof *account);
        account->used = true;
        account->key = *key;
    }
    return counted(quota, account);
}

void quota_set_keys(struct quota *quota, const struct rfl_keys *keys)
{
    struct account *old = quota->account;
    memset(quota->spare, 0, PLACES * sizeof *quota->spare);
    for (uint32_t i = 0; keys != NULL && i < PLACES; i++)
        if (old[i].used && rfl_keys_find(keys, &old[i].key) != NULL)
            *probe(quota->spare, &old[i].key) = old[i];
    quota->account = quota->spare;
    quota->spare = old;
    quota->keys = keys;
}

/* A bucket in one number: the time at which it would be full again. True: there was room for one more. */
static bool pour(int64_t *full_us, int64_t now_us, int64_t each_us, int64_t burst_us)
{
    int64_t from_us = *full_us > now_us ? *full_us : now_us;
    if (from_us + each_us - now_us > burst_us)
        return false;
    *full_us = from_us + each_us;
    return true;
}

static void note(struct quota *quota, const struct rfl_curve_key *key, enum quota_strike why, int64_t for_ms)
{
    static const char *const words[QUOTA_STRIKE_COUNT] = {
#define X(name, word) word,
        QUOTA_STRIKE_LIST(X)
#undef X
    };
    struct quota_struck made = { .why = words[why], .times = 1, .for_ms = (uint64_t)for_ms };
    rfl_key_fingerprint(key, made.fingerprint);
    for (uint32_t i = 0; i < quota->struck_count; i++)
        if (quota->struck[i].why == made.why && strcmp(quota->struck[i].fingerprint, made.fingerprint) == 0) {
            quota->struck[i].times++;
            quota->struck[i].for_ms = made.for_ms;
            return;
        }
    if (quota->struck_count < QUOTA_STRIKES_KEPT)
        quota->struck[quota->struck_count++] = made;
}

static bool is_shut_out(const struct account *account, int64_t boot_ms)
{
    return account->used && boot_ms < account->shut_until_ms;
}

/* One strike at a time: what comes in on connections that are about to be cut is the same offence. */
static void strike(struct quota *quota, struct account *account, enum quota_strike why, int64_t boot_ms)
{
    if (is_shut_out(account, boot_ms))
        return;
    if (boot_ms - account->shut_until_ms > QUOTA_FORGIVEN_MS)
        account->strikes = 0;
    int64_t for_ms = QUOTA_SHUT_OUT_MS;
    for (uint8_t i = 0; i < account->strikes && for_ms < QUOTA_SHUT_OUT_MS_MAX; i++)
        for_ms *= 2;
    for_ms = for_ms < QUOTA_SHUT_OUT_MS_MAX ? for_ms : QUOTA_SHUT_OUT_MS_MAX;
    if (account->strikes < UINT8_MAX)
        account->strikes++;
    account->shut_until_ms = boot_ms + for_ms;
    account->busy_us = account->promised_us = 0;
    quota->counters.key_strikes++;
    note(quota, &account->key, why, for_ms);
}

static int64_t patience_of(const struct rfl_key_entry *entry)
{
    int64_t count = (int64_t)entry->rate * QUOTA_PATIENCE_S;
    return count < QUOTA_PATIENCE_MIN ? QUOTA_PATIENCE_MIN : count > QUOTA_PATIENCE_MAX ? QUOTA_PATIENCE_MAX : count;
}

enum quota_verdict quota_message(struct quota *quota, const struct rfl_curve_key *key, uint64_t bytes,
                                 int64_t boot_ms, uint32_t *retry_ms)
{
    const struct rfl_key_entry *entry;
    struct account *account = account_of(quota, key, &entry);
    if (account == NULL)
        return QUOTA_TAKE;
    if (is_shut_out(account, boot_ms)) {
        quota->counters.key_dropped++;
        return QUOTA_DROP;
    }
    int64_t now_us = boot_ms * US, each_us = INT64_C(1000000) / entry->rate, burst_us = QUOTA_BURST_MS * US;
    int64_t pieces = 1 + (int64_t)(bytes / QUOTA_PIECE_BYTES), full_us = pieces * each_us;
    if (full_us > burst_us)
        full_us = burst_us;                     /* of a low rate: it is taken when the bucket is empty */
    if (pour(&account->taken_us, now_us, full_us, burst_us))
        return QUOTA_TAKE;
    if (!pour(&account->busy_us, now_us, each_us, burst_us + patience_of(entry) * each_us)) {
        strike(quota, account, QUOTA_FLOOD, boot_ms);
        quota->counters.key_dropped++;
        return QUOTA_DROP;
    }
    int64_t room_us = account->taken_us + full_us - burst_us;
    account->promised_us = account->promised_us + full_us > room_us ? account->promised_us + full_us : room_us;
    int64_t wait_ms = (account->promised_us - now_us) / US + 1;
    *retry_ms = wait_ms < QUOTA_RETRY_MS_MAX ? (uint32_t)wait_ms : QUOTA_RETRY_MS_MAX;
    quota->counters.key_over_rate++;
    return QUOTA_BUSY;
}

/* Silent handshakes are forgotten by the half: those of before the last epoch have been cut. */
static uint32_t silent(struct account *account, int64_t boot_ms)
{
    int64_t epoch = boot_ms / QUOTA_SILENT_MS;
    if (epoch != account->silent_epoch) {
        account->silent[1] = epoch == account->silent_epoch + 1 ? account->silent[0] : 0;
        account->silent[0] = 0;
        account->silent_epoch = epoch;
    }
    return account->silent[0] + account->silent[1];
}

const char *quota_handshake(struct quota *quota, const struct rfl_key_entry *entry, bool crowded, int64_t boot_ms)
{
    const struct rfl_key_entry *same;
    struct account *account = account_of(quota, &entry->public, &same);
    if (account == NULL)
        return NULL;
    if (is_shut_out(account, boot_ms))
        return "key_shut_out";
    uint32_t most = entry->connections;
    if (crowded && entry->kind != RFL_KEY_OPERATOR && most > QUOTA_CROWDED_CONNECTIONS)
        most = QUOTA_CROWDED_CONNECTIONS;
    if (account->live + silent(account, boot_ms) >= most)
        return "key_over_connections";
    int64_t each_us = INT64_C(1000000) / entry->connections;
    if (!pour(&account->shook_us, boot_ms * US, each_us, QUOTA_HANDSHAKE_BURST * INT64_C(1000000)))
        return "key_over_handshakes";
    account->silent[0]++;
    memmove(account->shake_ms + 1, account->shake_ms, (SHAKES_KEPT - 1) * sizeof account->shake_ms[0]);
    account->shake_ms[0] = boot_ms;
    return NULL;
}

void quota_refused(struct quota *quota, const char *why)
{
#define X(name) quota->counters.name += strcmp(why, #name) == 0;
    QUOTA_COUNTER_LIST(X)
#undef X
}

void quota_spoke(struct quota *quota, const struct rfl_curve_key *key)
{
    struct account *account = probe(quota->account, key);
    if (!account->used)
        return;
    counted(quota, account)->live++;
    if (account->silent[1] > 0)
        account->silent[1]--;
    else if (account->silent[0] > 0)
        account->silent[0]--;
    for (unsigned i = SHAKES_KEPT; i-- > 0; )       /* the oldest: whichever it was, one fewer is silent */
        if (account->shake_ms[i] != 0) {
            account->shake_ms[i] = 0;
            break;
        }
}

void quota_left(struct quota *quota, const struct rfl_curve_key *key)
{
    struct account *account = probe(quota->account, key);
    if (account->used && counted(quota, account)->live > 0)
        account->live--;
}

void quota_recount(struct quota *quota) { quota->count_round++; }

uint64_t quota_held(struct quota *quota, const struct rfl_curve_key *key, uint64_t bytes)
{
    struct account *account = probe(quota->account, key);
    if (!account->used)
        return bytes;
    counted(quota, account)->counting++;
    return account->held += bytes;
}

void quota_punish(struct quota *quota, const struct rfl_curve_key *key, enum quota_strike why, int64_t boot_ms)
{
    const struct rfl_key_entry *entry;
    struct account *account = account_of(quota, key, &entry);
    if (account != NULL)
        strike(quota, account, why, boot_ms);
}

void quota_punish_silent(struct quota *quota, int64_t since_boot_ms, enum quota_strike why, int64_t boot_ms)
{
    struct account *found = NULL;
    int64_t nearest_ms = INT64_MAX;
    for (uint32_t i = 0; i < PLACES; i++) {
        struct account *account = &quota->account[i];
        for (unsigned s = 0; account->used && s < SHAKES_KEPT; s++) {
            int64_t shake_ms = account->shake_ms[s];
            if (shake_ms != 0 && shake_ms >= since_boot_ms && shake_ms - since_boot_ms < nearest_ms) {
                nearest_ms = shake_ms - since_boot_ms;
                found = account;
            }
        }
    }
    if (found != NULL)
        strike(quota, found, why, boot_ms);
}

bool quota_is_shut_out(const struct quota *quota, const struct rfl_curve_key *key, int64_t boot_ms)
{
    return is_shut_out(probe(quota->account, key), boot_ms);
}

uint32_t quota_strikes(struct quota *quota, struct quota_struck out[QUOTA_STRIKES_KEPT])
{
    uint32_t count = quota->struck_count;
    memcpy(out, quota->struck, count * sizeof out[0]);
    quota->struck_count = 0;
    return count;
}
