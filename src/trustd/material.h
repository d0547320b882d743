/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What nodes are judged by, as it was when it was last loaded: the policies of all classes with the
 * files that they name. One generation is whole and never changes; another takes its place at once,
 * or not at all.
 */
#ifndef SL_TRUSTD_MATERIAL_H
#define SL_TRUSTD_MATERIAL_H

#include "trustd/journal.h"
#include "trustd/judge.h"
#include "trustd/store.h"

enum { SL_MATERIAL_CLASSES_MAX = 1024 };

struct sl_material_class {
    char name[SL_NAME_SIZE];
    char *text;    /**< the policy file */
    char hash[65]; /**< of the text and of every file that it names */
    struct sl_monitor_policy *policy;
    json_t *files; /**< {name: text}: what judging needs */
    json_t *roots; /**< {name: text}: what enrolment needs */
};

struct sl_material {
    const struct sl_monitor_backend *backend;
    unsigned refs; /**< under the daemon's lock */
    struct sl_material_class *classes;
    size_t count;
};

/** Reads CLASS.yaml of a folder; an absent folder has no classes.
 * @param[in,out] err  names file and fault
 * @retval SL_OK, SL_RANGE (too many), SL_IO, SL_NO_MEMORY, and as the backend's policy_open
 * @owner  caller: sl_material_unref */
sl_rc sl_material_load(const struct sl_monitor_backend *backend, const char *folder,
                       struct sl_material **ret_material, struct sl_err *err) SL_MUST_CHECK;
struct sl_material *sl_material_ref(struct sl_material *material);
void sl_material_unref(struct sl_material *material);
/** NULL: no policy, hence UNKNOWN */
const struct sl_material_class *sl_material_find(const struct sl_material *material,
                                                 const char *class_name);
/** Names of classes that are new, gone or different. @return new array; NULL: no memory */
json_t *sl_material_changes(const struct sl_material *before, const struct sl_material *after);
/** Keeps every byte of it as blobs of the journal, and a list of them as one more.
 * @param[out] ret_name  of the list: {"classes": {class: {"policy", "files", "roots"}}, "refvals"}
 * @retval as sl_journal_blob_put, SL_NO_MEMORY */
sl_rc sl_material_keep(const struct sl_material *material, const char *refvals,
                       struct sl_journal *journal, char ret_name[SL_BLOB_NAME_SIZE],
                       struct sl_err *err) SL_MUST_CHECK;

#endif
