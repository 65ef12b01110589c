# shellcheck shell=sh
# Sourced by the tools that run the library: it must not use the user's account, settings or proxies.
unset OPENHANDS_API_KEY OPENHANDS_CLOUD_API_KEY SESSION_API_KEY OPENHANDS_BASE_URL OPENHANDS_API OPENHANDS_LOG
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
