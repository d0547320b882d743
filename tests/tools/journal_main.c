/* SPDX-License-Identifier: Apache-2.0 */
/* `safelib journal` with the tests' drivers, which trustd_backend.c gives the product's name here.
 */
#include "../../cmd/safelib/command.h"

int main(int argc, char **argv)
{
    return cmd_journal(argc, argv);
}
