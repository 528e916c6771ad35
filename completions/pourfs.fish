# SPDX-License-Identifier: MIT
# fish completion of pourfs: commands, and options as the installed pourfs --help has them.

function __pourfs_commands
    pourfs --help 2>/dev/null | string replace -rf '^  pourfs ([a-z]+) .*' '$1'
end

# What stands before the last comma goes before each.
function __pourfs_options
    set -l before (string match -r '^.*,' -- (commandline -ct))
    pourfs --help 2>/dev/null | sed -n '/^Options/,/^$/s/^  \([a-z_]*=\{0,1\}\)[^ ]*  *\(.*\)/\1\t\2/p' | string replace -r '^' "$before"
end

complete -c pourfs -n 'test (count (commandline -opc)) -eq 1' -f -a '(__pourfs_commands)'
complete -c pourfs -s o -x -d 'options' -a '(__pourfs_options)'
complete -c pourfs -s f -d 'stay in the foreground'
complete -c pourfs -s r -d 'read only'
complete -c pourfs -s h -l help -d 'the usage'
complete -c pourfs -s V -l version -d 'the version'
complete -c pourfs -n '__fish_seen_subcommand_from status uploads' -l json -d 'as JSON'
complete -c pourfs -n '__fish_seen_subcommand_from status' -l watch -d 'again and again'
complete -c pourfs -n '__fish_seen_subcommand_from uploads' -l abort -d 'end those that are interrupted'
complete -c pourfs -n '__fish_seen_subcommand_from uploads' -l older-than -x -d 'and unknown ones of that age'
complete -c pourfs -n '__fish_seen_subcommand_from url' -l expires -x -d 'how long it is good'
