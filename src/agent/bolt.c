/* SPDX-License-Identifier: Apache-2.0 */
/* bbolt: pages of a B+ tree, two meta pages of which the newer valid one counts, buckets in
 * buckets. Numbers are the machine's that wrote it; those that containerd runs on are
 * little-endian. */
#include "agent/bolt.h"

#include <string.h>

#include "safelib/bytes.h"

enum {
    MAGIC = 0xed0cdaed,
    VERSION = 2,
    HEADER_SIZE = 16, /* of a page: id, flags, count, overflow */
    META_SIZE = 64,
    META_CHECKED = 56, /* bytes that its checksum covers */
    ELEMENT_SIZE = 16,
    PAGE_SIZE_MIN = 512,
    PAGE_SIZE_MAX = 64 << 10,
    BUCKET_SIZE = 16, /* root page, sequence; with root 0 a page follows */
    TREE_DEPTH = 32,
};
enum { IS_BRANCH = 1, IS_LEAF = 2, IS_META = 4 };
enum { IS_BUCKET = 1 }; /* a leaf element's flag */

struct tree {
    struct sl_blob file;
    uint64_t page_size;
};

static uint64_t fnv1a(const uint8_t *data, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* @return a page's bytes from its header to the file's end; size 0: no such page */
static struct sl_blob page_at(const struct tree *tree, uint64_t id)
{
    const uint64_t pages = tree->file.size / tree->page_size;

    if (id >= pages) {
        return (struct sl_blob){NULL, 0};
    }
    return (struct sl_blob){tree->file.data + id * tree->page_size,
                            tree->file.size - (size_t)(id * tree->page_size)};
}

static bool meta_read(struct sl_blob file, size_t off, uint64_t *ret_page_size, uint64_t *ret_root,
                      uint64_t *ret_txid)
{
    const uint8_t *meta;

    if (file.size < off + HEADER_SIZE + META_SIZE) {
        return false;
    }
    meta = file.data + off + HEADER_SIZE;
    *ret_page_size = sl_le32_get(meta + 8);
    *ret_root = sl_le64_get(meta + 16);
    *ret_txid = sl_le64_get(meta + 48);
    return sl_le32_get(meta) == MAGIC && sl_le32_get(meta + 4) == VERSION &&
           *ret_page_size >= PAGE_SIZE_MIN && *ret_page_size <= PAGE_SIZE_MAX &&
           sl_le64_get(meta + 56) == fnv1a(meta, META_CHECKED);
}

/* The first meta page may be the one that was being written: then the second is looked for where
 * the usual page sizes have it. */
static sl_rc tree_open(struct sl_blob file, struct tree *tree, uint64_t *ret_root)
{
    uint64_t newest = 0;
    bool is_found = false;

    for (size_t off = 0; off <= PAGE_SIZE_MAX; off = off == 0 ? PAGE_SIZE_MIN : 2 * off) {
        uint64_t page_size, root, txid;

        if (meta_read(file, off, &page_size, &root, &txid) && (off == 0 || off == page_size) &&
            (!is_found || txid > newest)) {
            *tree = (struct tree){file, page_size};
            *ret_root = root;
            newest = txid;
            is_found = true;
        }
    }
    return is_found ? SL_OK : SL_MALFORMED;
}

/* Element @p i of a page, and its key. @return false: it reaches beyond the page's bytes */
static bool element_get(struct sl_blob page, uint32_t i, bool is_leaf, const uint8_t **ret_element,
                        struct sl_blob *ret_key)
{
    const size_t at = HEADER_SIZE + (size_t)i * ELEMENT_SIZE;
    const uint8_t *element = page.data + at;
    uint32_t position, size;

    if (at + ELEMENT_SIZE > page.size) {
        return false;
    }
    position = sl_le32_get(element + (is_leaf ? 4 : 0));
    size = sl_le32_get(element + (is_leaf ? 8 : 4));
    if (position > page.size - at || size > page.size - at - position) {
        return false;
    }
    *ret_element = element;
    *ret_key = (struct sl_blob){element + position, size};
    return true;
}

static int key_compare(struct sl_blob key, const char *wanted)
{
    const size_t size = strlen(wanted);
    /* forbidden: waived, names of containers and images */
    const int order = memcmp(key.data, wanted, key.size < size ? key.size : size);

    return order != 0 ? order : (key.size > size) - (key.size < size);
}

/* A leaf's value: what follows its key. */
static sl_rc leaf_find(struct sl_blob page, const char *wanted, uint32_t *ret_flags,
                       struct sl_blob *ret_value)
{
    const uint32_t count = sl_le16_get(page.data + 10);

    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *element;
        struct sl_blob key;
        size_t room;
        uint32_t size;

        if (!element_get(page, i, true, &element, &key)) {
            return SL_MALFORMED;
        }
        if (key_compare(key, wanted) != 0) {
            continue;
        }
        room = page.size - (size_t)(key.data + key.size - page.data);
        size = sl_le32_get(element + 12);
        if (size > room) {
            return SL_MALFORMED;
        }
        *ret_flags = sl_le32_get(element);
        *ret_value = (struct sl_blob){key.data + key.size, size};
        return SL_OK;
    }
    return SL_NOT_FOUND;
}

/* The last child whose first key is not behind the wanted one. */
static sl_rc branch_find(struct sl_blob page, const char *wanted, uint64_t *ret_child)
{
    const uint32_t count = sl_le16_get(page.data + 10);

    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *element;
        struct sl_blob key;

        if (!element_get(page, i, false, &element, &key)) {
            return SL_MALFORMED;
        }
        if (i > 0 && key_compare(key, wanted) > 0) {
            break;
        }
        *ret_child = sl_le64_get(element + 8);
    }
    return count > 0 ? SL_OK : SL_MALFORMED;
}

static sl_rc page_find(const struct tree *tree, struct sl_blob page, const char *wanted,
                       uint32_t *ret_flags, struct sl_blob *ret_value)
{
    for (int depth = 0; depth < TREE_DEPTH && page.size >= HEADER_SIZE; depth++) {
        const uint16_t flags = sl_le16_get(page.data + 8);
        uint64_t child = 0;
        sl_rc rc;

        if (flags == IS_LEAF) {
            return leaf_find(page, wanted, ret_flags, ret_value);
        }
        rc = flags == IS_BRANCH ? branch_find(page, wanted, &child) : SL_MALFORMED;
        if (rc != SL_OK) {
            return rc;
        }
        page = page_at(tree, child);
    }
    return SL_MALFORMED;
}

sl_rc sl_bolt_find(struct sl_blob file, const char *const *keys, size_t count,
                   struct sl_blob *ret_value)
{
    struct tree tree = {0};
    struct sl_blob page, value = {0};
    uint64_t root = 0;
    sl_rc rc = tree_open(file, &tree, &root);

    if (rc != SL_OK) {
        return rc;
    }
    page = page_at(&tree, root);
    if (count == 0 || count > SL_BOLT_DEPTH_MAX) {
        return SL_NOT_FOUND;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t flags = 0;

        rc = page_find(&tree, page, keys[i], &flags, &value);
        if (rc != SL_OK) {
            return rc;
        }
        if (((flags & IS_BUCKET) != 0) != (i + 1 < count)) {
            return SL_NOT_FOUND; /* a bucket where a value was asked for, or the other way about */
        }
        if (i + 1 == count) {
            break;
        }
        if (value.size < BUCKET_SIZE) {
            return SL_MALFORMED;
        }
        root = sl_le64_get(value.data);
        page = root != 0 ? page_at(&tree, root)
                         : (struct sl_blob){value.data + BUCKET_SIZE, value.size - BUCKET_SIZE};
    }
    *ret_value = value;
    return SL_OK;
}
