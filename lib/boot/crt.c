/*
 * The start object's other half: the program's main, under the name that
 * --wrap=main gives it, as the first task.
 */
#include "boot/crt.h"

int __real_main(int argc, char **argv, char **envp);
int __wrap_main(int argc, char **argv, char **envp);

int __wrap_main(int argc, char **argv, char **envp)
{
	weft_rt0(__real_main, argc, argv, envp);
}
