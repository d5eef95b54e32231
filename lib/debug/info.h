/*
 * What `weft info` prints; for the command, not for programs.
 */
#ifndef WF_INFO_H
#define WF_INFO_H

enum { WEFT_INFO_BOOT = 1, WEFT_INFO_JSON = 2 };

/**
 * Write what the library is and what it found to a descriptor.
 *
 * @param fd    where to
 * @param flags WEFT_INFO_BOOT: the steps of the bootstrap too; WEFT_INFO_JSON: as
 *              one JSON object
 * @return 0, or what writing met
 */
__attribute__((visibility("default"))) int weft_info(int fd, unsigned flags);

#endif
