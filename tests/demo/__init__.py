"""The demo from outside: started as a person starts it, used as people and agencies use it."""
