// Nothing: it is what the precompiled headers belong to (GodwitModule.cmake).
