/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Reference digests: sets of digests of files that may run, one file per set, sorted, mapped into
 * memory and shared by all nodes.
 *
 * A set: "SLREFV01" | be32 size, JSON {name, source, date} | be32 count of algorithms | each:
 * 16 bytes name | be32 digest size | be32 count, digests in order, be32 offset of each path | be32
 * size, paths, each terminated | SHA-256 of all before.
 */
#ifndef SL_MONITOR_REFVALS_H
#define SL_MONITOR_REFVALS_H

#include "monitor/driver.h"

enum {
    SL_REFVALS_ALGS_MAX = 4,
    SL_REFVALS_NAME_MAX = 63,
    SL_REFVALS_FILE_MAX = 1 << 30,
    SL_REFVALS_DIGEST_MAX = 64,
};
#define SL_REFVALS_SUFFIX ".slref"

/* ---- making a set ---- */

struct sl_refset_builder;
/** @owner caller frees by sl_refset_builder_free  @return NULL: no memory */
struct sl_refset_builder *sl_refset_builder_create(void);
void sl_refset_builder_free(struct sl_refset_builder *builder);
/** Adds one digest. The path is what `list` shows; a digest that is there already keeps its first.
 * @retval SL_OK, SL_UNSUPPORTED (algorithm), SL_RANGE (size is not the algorithm's), SL_NO_MEMORY
 */
sl_rc sl_refset_add(struct sl_refset_builder *builder, const char *alg, const uint8_t *digest,
                    size_t size, const char *path) SL_MUST_CHECK;
size_t sl_refset_count(const struct sl_refset_builder *builder);
/** Writes DIR/NAME.slref.
 * @retval SL_OK, SL_INVALID (name), SL_RANGE (too large), SL_IO, SL_NO_MEMORY */
sl_rc sl_refset_write(struct sl_refset_builder *builder, const char *dir, const char *name,
                      const char *source, int64_t time_s, struct sl_err *err) SL_MUST_CHECK;

/* ---- using sets ---- */

/** All sets of a folder. */
struct sl_refstore;
/** Maps every set of a folder and checks it whole, once.
 * @retval SL_OK         a folder without sets too: then nothing is known
 * @retval SL_NOT_FOUND  no such folder
 * @retval SL_MALFORMED  a set that breaks its format or was changed: @p err names it
 * @retval SL_IO, SL_NO_MEMORY
 * @owner  caller closes; the files may be replaced meanwhile, a store keeps what it mapped */
sl_rc sl_refstore_open(const char *dir, struct sl_refstore **ret_store,
                       struct sl_err *err) SL_MUST_CHECK;
void sl_refstore_close(struct sl_refstore *store);
/** For an appraisal; lives as long as the store. */
struct sl_refvals sl_refstore_refvals(struct sl_refstore *store);
size_t sl_refstore_count(const struct sl_refstore *store);
const char *sl_refstore_name(const struct sl_refstore *store, size_t index);
/** {"name", "source", "date", "digests": {alg: count}}: new reference, NULL: no memory */
json_t *sl_refstore_json(const struct sl_refstore *store, size_t index);
/** Calls @p visit for every digest of a set. */
void sl_refstore_walk(const struct sl_refstore *store, size_t index,
                      void (*visit)(void *ctx, const char *alg, const uint8_t *digest, size_t size,
                                    const char *path),
                      void *ctx);

#endif
