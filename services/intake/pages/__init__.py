"""The pages a business sees: server-rendered, in Vietnamese and English, without JavaScript."""
