#include "compile/list.h"

void list_emit_optimised(struct build *build, const struct list *list)
{
	list_emit_plain(build, list);
}
