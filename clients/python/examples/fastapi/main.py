"""A service that reads its configuration in the request: uvicorn main:app"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from config_service_client import AsyncConfigClient


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # Waits for the first values, at most 2 seconds; without a sidecar it goes on with defaults.
    async with AsyncConfigClient() as config:
        app.state.config = config
        yield


def configuration(request: Request) -> AsyncConfigClient:
    config: AsyncConfigClient = request.app.state.config
    return config


Config = Annotated[AsyncConfigClient, Depends(configuration)]

app = FastAPI(lifespan=lifespan)


@app.get("/")
async def index(config: Config) -> dict[str, object]:
    # A read from memory: nothing to await, and always current.
    return {
        "pool_size": config.get("database.pool_size", default=10),
        "status": str(config.status),
    }
