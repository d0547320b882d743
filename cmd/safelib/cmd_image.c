/* SPDX-License-Identifier: Apache-2.0 */
/* safelib image: what an NF image is, and who answers for it. */
#include "command.h"
#include "image.h"

static const struct command commands[] = {
    {"measure", "print the image's MRENCLAVE", image_measure},
    {"inspect", "show what the image is made of, and forbidden instructions", image_inspect},
    {"diff", "name what makes two images measure differently", image_diff},
    {"sign", "sign the image: write its SIGSTRUCT", image_sign},
};

int cmd_image(int argc, char **argv)
{
    return command_dispatch("safelib image", commands, sizeof(commands) / sizeof(commands[0]), argc,
                            argv);
}
