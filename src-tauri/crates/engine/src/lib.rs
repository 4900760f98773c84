//! What the app does without a screen: catalogue, connections, activity, audit, settings.
