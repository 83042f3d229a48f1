"""``python -m deploydash.cli``: the command line for whoever has no script of it on the path, as tmux may not."""

from deploydash.cli import main

main()
