/* world.h: a small England for tests that drive the engine: invented practices and postcodes over the real areas, a
 * throw-away store, the shipped policy, and an engine whose clock is a variable. */
#ifndef WORLD_H
#define WORLD_H

#include "rfl_conf.h"
#include "rfl_directory_build.h"
#include "rfl_engine.h"
#include "rfl_wire.h"

struct world {
    char folder[96];
    struct rfl_policy *policy;
    struct rfl_directory_set *directories;
    struct rfl_store *store;
    struct rfl_engine *engine;
    struct rfl_now now;
    struct rfl_arena arena;
    uint64_t map_bytes;
    uint64_t key_seed;                  /* not 0: the next store's master key follows from it, so that runs repeat */
    char key_path[128];                 /* "": the store makes its own */
    int64_t session_idle_ms;            /* 0: the engine's own; in force from the next opening */
    uint32_t full_permille;             /* the same */
};

/* The moment every world begins: Monday 2 November 2026, 09:00 UTC. */
#define WORLD_BEGINS_MS INT64_C(1793610000000)

/* Makes everything; fails the cmocka test when something cannot be made. `policy` is the folder of the policy. */
void world_open(struct world *world, const char *policy, uint64_t map_bytes);
/* Closes store and engine, and opens them again as a restart would. */
void world_restart(struct world *world);
/* Begins anew: an empty store, the first moment. The rest of the world stays. */
void world_new_store(struct world *world, uint64_t map_bytes);
/* Closes engine and store; the store must verify and equal its own rebuild. Next: world_new_store or world_close. */
void world_verify(struct world *world);
/* Closes; the store must verify and equal its own rebuild. Removes the folder. */
void world_close(struct world *world);

/* Removes the folder and nothing else: somebody has found a fault and stops. */
void world_abandon(struct world *world);

/* Codes in the invented directory. Index modulo their number; never NULL. */
const char *world_practice(unsigned i);
const char *world_postcode(unsigned i);
enum { WORLD_PRACTICES = 24, WORLD_POSTCODES = 27 };

#endif
