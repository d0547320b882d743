/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a credential as tpm2_activatecredential reads it.
 *   credential_tool EK_PUBLIC AK_NAME SECRET OUT */
#include <stdio.h>
#include <string.h>

#include "attest/tpm_public.h"
#include "safelib/bytes.h"

static size_t file_read(const char *path, uint8_t *out, size_t size)
{
    FILE *file = fopen(path, "rb");

    size = file != NULL ? fread(out, 1, size, file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    return size;
}

static int file_write(const char *path, const uint8_t *blob, size_t size, const uint8_t *wrapped,
                      size_t wrapped_size)
{
    FILE *file = fopen(path, "wb");
    uint8_t head[8];
    bool is_done;

    if (file == NULL) {
        return 1;
    }
    sl_be32_put(head, 0xbadcc0de); /* tpm2-tools' magic, and version */
    sl_be32_put(head + 4, 1);
    is_done = fwrite(head, 1, sizeof(head), file) == sizeof(head) &&
              fwrite(blob, 1, size, file) == size &&
              fwrite(wrapped, 1, wrapped_size, file) == wrapped_size;
    return fclose(file) == 0 && is_done ? 0 : 1;
}

int main(int argc, char **argv)
{
    uint8_t area[1024], name[128], blob[256], wrapped[600];
    size_t blob_size = sizeof(blob), wrapped_size = sizeof(wrapped), area_size, name_size;
    struct sl_tpm_public ek = {0};
    struct sl_err err = {0};
    int status = 1;

    if (argc != 5) {
        (void)fprintf(stderr, "usage: credential_tool EK_PUBLIC AK_NAME SECRET OUT\n");
        return 2;
    }
    area_size = file_read(argv[1], area, sizeof(area));
    name_size = file_read(argv[2], name, sizeof(name));
    if (sl_tpm_public_read((struct sl_blob){area, area_size}, &ek, &err) == SL_OK &&
        sl_tpm_public_is_ek(&ek, &err) &&
        sl_tpm_credential_make(&ek, (struct sl_blob){name, name_size}, (const uint8_t *)argv[3],
                               strlen(argv[3]), blob, &blob_size, wrapped, &wrapped_size,
                               &err) == SL_OK) {
        status = file_write(argv[4], blob, blob_size, wrapped, wrapped_size);
    } else {
        (void)fprintf(stderr, "credential_tool: %s\n", err.text);
    }
    sl_tpm_public_done(&ek);
    return status;
}
