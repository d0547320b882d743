/* SPDX-License-Identifier: Apache-2.0 */
/* The standard NF image: the worker, the control server and every NF of nf/, for the TEE. */
#include <stdint.h>

#include "image/image.h"
#include "runtime/layout.h"

int main(int argc, char **argv)
{
    return sl_image_main(argc, argv);
}
