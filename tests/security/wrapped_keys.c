/* wrapped_keys DIR [KEY]: the wrapped key of every case of a store that nobody writes to, as FORMAT.md's table `keys`
 * has them, a line each: number of the case, a space, the row in hexadecimal. For tests that look for these bytes
 * elsewhere. */
#include <stdio.h>

#include "rfl_env.h"
#include "rfl_rows.h"

int main(int argc, char **argv)
{
    struct rfl_store_options options = { .map_bytes = 64 << 20, .allow_any_fs = true };
    struct rfl_env env = { 0 };
    struct rfl_walk walk = { 0 };
    const char *why = "";
    if (argc != 2 && argc != 3) {
        (void)fputs("usage: wrapped_keys DIR [KEY]\n", stderr);
        return 64;
    }
    options.key_path = argc == 3 ? argv[2] : NULL;
    if (rfl_env_open(&env, argv[1], RFL_ENV_READ, &options, &why) != RFL_E_OK
        || rfl_env_begin(&env) != RFL_E_OK) {
        (void)fprintf(stderr, "wrapped_keys: %s\n", why);
        return 74;
    }
    while (rfl_walk_next(&env, RFL_TABLE_KEYS, &walk)) {
        uint64_t id = rfl_get_be64(walk.key.p);
        if (id == 0)
            continue;                           /* the store's own secret */
        (void)printf("%llu ", (unsigned long long)id);
        for (size_t i = 0; i < walk.value.len; i++)
            (void)printf("%02x", walk.value.p[i]);
        (void)putchar('\n');
    }
    bool read = walk.err == RFL_E_OK;
    rfl_walk_end(&walk);
    rfl_env_abort(&env);
    rfl_env_close(&env);
    return read ? 0 : 74;
}
