"""The OAuth 2.0 authorisation server: FAPI 2.0 Security Profile Final."""
