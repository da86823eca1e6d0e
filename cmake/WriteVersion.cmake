# Writes version_text.h: the version, and the commit where COMMIT is on and this is a git checkout. Touches the file only
# when its text changes, so that nothing is compiled again in vain.
# cmake -DVERSION=.. -DCOMMIT=ON|OFF -DSOURCE=.. -DOUT=.. -P WriteVersion.cmake
set(text "${VERSION}")
if(COMMIT)
    execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --exclude=* OUTPUT_VARIABLE commit
        OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(commit)
        string(APPEND text " (${commit})")
    endif()
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "inline constexpr char kVersionText[] = \"${text}\";\n")
