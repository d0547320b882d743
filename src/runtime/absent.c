/* SPDX-License-Identifier: Apache-2.0 */
/* What there is none of inside: shared libraries and names of hosts. OpenSSL's library refers to
 * both; these stand before libc's, which would bring the resolver into the image (130 KB to trust)
 * only to fail on its first system call. */
#include <dlfcn.h>
#include <netdb.h>
#include <stddef.h>

/* libc brings its own dlopen in any case, for itself: references from outside are led here by the
 * linker (--wrap). */
void *__wrap_dlopen(const char *path, int flags);

void *__wrap_dlopen(const char *path, int flags)
{
    (void)path;
    (void)flags;
    return NULL;
}

void *dlsym(void *restrict handle, const char *restrict name)
{
    (void)handle;
    (void)name;
    return NULL;
}

int dlclose(void *handle)
{
    (void)handle;
    return -1;
}

char *dlerror(void)
{
    static char text[] = "no shared libraries in an enclave";
    return text;
}

int dladdr(const void *address, Dl_info *ret_info)
{
    (void)address;
    (void)ret_info;
    return 0;
}

struct hostent *gethostbyname(const char *name)
{
    (void)name;
    return NULL;
}

int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict ret_list)
{
    (void)name;
    (void)service;
    (void)hints;
    (void)ret_list;
    return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list)
{
    (void)list;
}

int getnameinfo(const struct sockaddr *restrict address, socklen_t address_size,
                char *restrict host, socklen_t host_size, char *restrict service,
                socklen_t service_size, int flags)
{
    (void)address;
    (void)address_size;
    (void)host;
    (void)host_size;
    (void)service;
    (void)service_size;
    (void)flags;
    return EAI_FAIL;
}

const char *gai_strerror(int code)
{
    (void)code;
    return "no names of hosts in an enclave";
}
