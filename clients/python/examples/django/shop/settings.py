"""What is read here is read once, when Django starts: a change arrives with the next start.
Read from `config` in a view what has to be followed."""

import os

from shop.configuration import config

# Not from the configuration: it is no store of secrets.
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "only-for-this-example")

ALLOWED_HOSTS = config.get("django.allowed_hosts", default=["localhost", "127.0.0.1"])
DEBUG = config.get("django.debug", default=False)
TIME_ZONE = config.get("django.time_zone", default="UTC")

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
USE_TZ = True
