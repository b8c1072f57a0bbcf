/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the other programs of Vigil are. */
#pragma once

/**
 * program_find_helper() - The vigil-helper that belongs to this program
 * @ret: its path, set on success only; the caller frees it
 *
 * Looked for beside the running program (a build directory), in ../libexec/vigil and
 * ../lib/vigil from there (an installed tree, wherever it was moved), and where this
 * build was to be installed. PATH is not asked: what is found runs.
 *
 * Return: 0, -ENOENT or -ENOMEM.
 */
int program_find_helper(char **ret);
