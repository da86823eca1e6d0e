# src/base/version.cpp includes version_text.h, which is looked at again with every build.
set(version_dir ${CMAKE_BINARY_DIR}/generated)
set(write_version ${CMAKE_COMMAND} -DVERSION=${PROJECT_VERSION} -DCOMMIT=${GODWIT_COMMIT} -DSOURCE=${CMAKE_SOURCE_DIR}
    -DOUT=${version_dir}/version_text.h -P ${CMAKE_SOURCE_DIR}/cmake/WriteVersion.cmake)
execute_process(COMMAND ${write_version} COMMAND_ERROR_IS_FATAL ANY)
target_include_directories(godwit_base PRIVATE ${version_dir})
if(GODWIT_COMMIT)
    add_custom_target(version_text COMMAND ${write_version} BYPRODUCTS ${version_dir}/version_text.h VERBATIM)
    add_dependencies(godwit_base version_text)
endif()
