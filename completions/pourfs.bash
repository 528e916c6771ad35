# SPDX-License-Identifier: MIT
# bash completion of pourfs: commands, and options as the installed pourfs --help has them.

_pourfs() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} before=''
	# bash takes words apart at "=" and ":".
	_pourfs_line=${COMP_LINE:0:COMP_POINT}
	local word=${_pourfs_line##* }
	COMPREPLY=()
	if [[ ${_pourfs_line% "$word"} == *\ -o || $word == -o* ]]; then
		[[ $word != -o* ]] || before=-o
		word=${word#-o}
		[[ $word != *,* ]] || before+=${word%,*},
		word=${word##*,}
		[[ $word == *=* ]] && return
		mapfile -t COMPREPLY < <(compgen -P "$before" -W "$(_pourfs_options)" -- "$word")
		[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace 2>/dev/null
	elif ((COMP_CWORD == 1)) && [[ $cur != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_pourfs_commands)" -- "$cur")
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "-o -f -r --help --version $(_pourfs_flags "${COMP_WORDS[1]}")" -- "$cur")
	elif [[ $prev != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
	fi
}

_pourfs_options() { pourfs --help 2>/dev/null | sed -n '/^Options/,/^$/s/^  \([a-z_]*=\{0,1\}\).*/\1/p'; }
_pourfs_commands() { pourfs --help 2>/dev/null | sed -n 's/^  pourfs \([a-z]\{1,\}\) .*/\1/p'; }
_pourfs_flags() { pourfs --help 2>/dev/null | sed -n "s/^  pourfs $1 //p" | grep -oE -- '--[a-z-]+'; }

complete -F _pourfs pourfs
