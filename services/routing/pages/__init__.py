"""Pages for officers: server-rendered, in Vietnamese and English, without JavaScript."""
