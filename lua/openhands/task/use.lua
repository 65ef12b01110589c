--- Whether tasks are in use, in a module of its own: programs without tasks never load the others.

--- `are_in_use`: a task was spawned in this Lua state. While it is false, callers can skip openhands.task.
return { are_in_use = false }
