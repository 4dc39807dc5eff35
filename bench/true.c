/* SPDX-License-Identifier: MIT */
/*
 * The program that does nothing: what it costs is what starting and ending a
 * process costs. Built static and dynamic.
 */
int main(void)
{
	return 0;
}
