from django.conf import settings
from django.http import HttpRequest, JsonResponse

from shop.configuration import config


def index(request: HttpRequest) -> JsonResponse:
    # A read from memory: cheap enough for every request, and always current.
    return JsonResponse(
        {
            "pool_size": config.get("database.pool_size", default=10),
            "time_zone": settings.TIME_ZONE,
            "status": str(config.status),
        }
    )
