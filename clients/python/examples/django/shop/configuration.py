"""The one client of this program. Making it costs nothing: its watch starts at the first read,
and in every forked worker anew."""

from config_service_client import ConfigClient

config = ConfigClient()
