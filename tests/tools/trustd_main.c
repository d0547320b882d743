/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor with the tests' drivers. */
#include "trustd/program.h"
#include "trustd_backend.h"

int main(int argc, char **argv)
{
    return sl_trustd_main(argc, argv, &test_backend);
}
