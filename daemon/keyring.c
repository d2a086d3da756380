#include "keyring.h"

#include <stdlib.h>
#include <unistd.h>

static const int64_t DAY_MS = INT64_C(24) * 3600 * 1000;

enum rfl_err keyring_read(const struct options *options, struct rfl_conf_report *report, struct rfl_keys **out)
{
    if (access(options->keys_file, F_OK) == 0)
        return rfl_keys_load(options->keys_file, report, out);
    rfl_conf_report_add(report, options->keys_file, 0, "keys_file", "there is no file of keys, so nobody may connect",
                        "referralctl keys new NAME --out FILE, keys allow; or without_keys = true on a test machine");
    return RFL_E_IO;
}

enum rfl_err keyring_open(struct keyring *ring, const struct options *options, struct rfl_conf_report *report)
{
    if (options->without_keys)
        return RFL_E_OK;
    enum rfl_err server = RFL_E_IO;
    if (access(options->server_key, F_OK) == 0)
        server = rfl_identity_read(options->server_key, false, report, &ring->server);
    else
        rfl_conf_report_add(report, options->server_key, 0, "server_key", "the daemon has no key of its own",
                            "referralctl keys new --server --out FILE; or without_keys = true on a test machine");
    enum rfl_err err = keyring_read(options, report, &ring->keys);
    if (err == RFL_E_OK)
        err = server;
    if (err != RFL_E_OK)
        return err;
    ring->warned = calloc((size_t)rfl_keys_count(ring->keys) + 1, sizeof *ring->warned);
    return ring->warned != NULL ? RFL_E_OK : RFL_E_MEMORY;
}

void keyring_close(struct keyring *ring)
{
    rfl_identity_forget(&ring->server);
    rfl_keys_free(&ring->keys);
    free(ring->warned);
    ring->warned = NULL;
}

struct rfl_keys *keyring_replace(struct keyring *ring, struct rfl_keys *keys)
{
    struct rfl_keys *old = ring->keys;
    uint8_t *warned = calloc((size_t)rfl_keys_count(keys) + 1, sizeof *warned);
    if (warned == NULL)
        return NULL;
    for (uint32_t i = 0; i < rfl_keys_count(old); i++) {
        const struct rfl_key_entry *before = rfl_keys_get(old, i), *after = rfl_keys_find(keys, &before->public);
        if (after != NULL && after->until_ms == before->until_ms)
            warned[after - rfl_keys_get(keys, 0)] = ring->warned[i];
    }
    free(ring->warned);
    ring->warned = warned;
    ring->keys = keys;
    return old;
}

uint32_t keyring_good(const struct keyring *ring, int64_t now_ms)
{
    uint32_t good = 0;
    for (uint32_t i = 0; ring->keys != NULL && i < rfl_keys_count(ring->keys); i++)
        good += rfl_key_state(rfl_keys_get(ring->keys, i), now_ms) == RFL_KEY_GOOD;
    return good;
}

bool keyring_is_ending(const struct rfl_key_entry *entry, int64_t now_ms)
{
    return rfl_key_state(entry, now_ms) == RFL_KEY_GOOD && entry->until_ms - now_ms <= KEYRING_ENDING_DAYS * DAY_MS;
}

void keyring_warn(struct keyring *ring, struct log *log, int64_t now_ms)
{
    static const int64_t days[] = { KEYRING_ENDING_DAYS, 7, 1 };
    for (uint32_t i = 0; ring->keys != NULL && i < rfl_keys_count(ring->keys); i++) {
        const struct rfl_key_entry *entry = rfl_keys_get(ring->keys, i);
        uint8_t reached = 0;
        while (reached < 3 && entry->until_ms - now_ms <= days[reached] * DAY_MS)
            reached++;
        if (reached <= ring->warned[i] || !keyring_is_ending(entry, now_ms))
            continue;
        ring->warned[i] = reached;
        LOG(log, WARN, "key.ending", F_OURS("name", entry->name), F_OURS("key", entry->fingerprint),
            F_I64("days", (entry->until_ms - now_ms) / DAY_MS), F_LIT("next", "referralctl keys rotate"));
    }
}
