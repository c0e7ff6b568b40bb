//! The connection over which a server, or each main server of a cluster, reports changes.

use std::time::Duration;

use ::redis::aio::AsyncPushSender;
#[cfg(feature = "redis-cluster")]
use ::redis::cluster::{ClusterClient, ClusterConfig};
use ::redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, ProtocolVersion, RedisResult, cmd};

use super::connection::Awaited;
#[cfg(feature = "redis-cluster")]
use super::connection::nodes_in;
use super::error::is_usable_after;
use super::item::HEAD;
#[cfg(feature = "redis-cluster")]
use super::request::slots;
use super::request::{Node, Request};

/// How the listener connects.
pub(super) enum Reach {
    /// By a client for the server, which is created for each connection.
    One(Box<dyn Fn() -> RedisResult<Client> + Send>),
    #[cfg(feature = "redis-cluster")]
    Cluster(Box<ClusterClient>),
}

/// A connection that receives changes.
#[derive(Clone)]
pub(super) struct TrackedConnection {
    connection: Awaited,
    /// The main servers of a cluster, in order; `None` is the only server.
    nodes: Vec<Option<Node>>,
}

impl TrackedConnection {
    /// Connects, with timeouts for connecting and for an answer. `receive` is told what the servers report.
    pub(super) async fn open(
        reach: &Reach,
        (connect, answer): (Duration, Duration),
        receive: impl AsyncPushSender,
    ) -> RedisResult<Self> {
        #[cfg(feature = "redis-tls")]
        super::client::install_crypto_provider();
        match reach {
            Reach::One(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(connect))
                    .set_response_timeout(Some(answer))
                    .set_push_sender(receive);
                let info = client()?.get_connection_info().clone();
                let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
                let client = Client::open(info.set_redis_settings(settings))?;
                let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
                Ok(Self { connection: Awaited::One(connection), nodes: vec![None] })
            }
            #[cfg(feature = "redis-cluster")]
            Reach::Cluster(client) => {
                let config = ClusterConfig::new()
                    .set_connection_timeout(connect)
                    .set_response_timeout(answer)
                    .set_push_sender(receive);
                let connection = client.get_async_connection_with_config(config).await?;
                let mut connection = Awaited::Cluster(connection);
                let nodes = main_nodes(&mut connection).await?;
                Ok(Self { connection, nodes })
            }
        }
    }

    /// Subscribes to keys with these prefixes, in addition to earlier ones.
    pub(super) async fn track<'p>(
        &mut self,
        prefixes: impl IntoIterator<Item = &'p Vec<u8>>,
    ) -> RedisResult<()> {
        let mut command = cmd("CLIENT");
        command.arg("TRACKING").arg("ON").arg("BCAST");
        for prefix in prefixes {
            command.arg("PREFIX").arg(prefix);
        }
        for node in &self.nodes {
            self.connection.send(&Request::At(command.clone(), node.clone())).await?;
        }
        Ok(())
    }

    /// Returns whether every server still reports changes.
    pub(super) async fn is_intact(&mut self) -> bool {
        #[cfg(feature = "redis-cluster")]
        if !self.connection.is_to_one() {
            return self.is_cluster_intact().await;
        }
        let answer = self.connection.send(&Request::One(cmd("PING"))).await;
        answer.as_ref().err().is_none_or(is_usable_after)
    }

    /// Returns whether the main servers are still the same, and each reports changes. The client of a cluster replaces
    /// connections on its own, and does not subscribe the new ones.
    #[cfg(feature = "redis-cluster")]
    async fn is_cluster_intact(&mut self) -> bool {
        if main_nodes(&mut self.connection).await.ok().as_ref() != Some(&self.nodes) {
            return false;
        }
        let mut command = cmd("CLIENT");
        command.arg("TRACKINGINFO");
        for node in &self.nodes {
            let answer = self.connection.send(&Request::At(command.clone(), node.clone())).await;
            if !answer.is_ok_and(is_tracking) {
                return false;
            }
        }
        true
    }

    /// Returns how the item of a key begins; it is empty if there is none.
    pub(super) async fn head(mut self, key: Vec<u8>) -> RedisResult<Vec<u8>> {
        let mut command: Cmd = cmd("GETRANGE");
        command.arg(key).arg(0).arg(HEAD - 1);
        Ok(Vec::from_redis_value(self.connection.send(&Request::One(command)).await?)?)
    }
}

/// Returns the main servers of a cluster, in the same order each time.
#[cfg(feature = "redis-cluster")]
async fn main_nodes(connection: &mut Awaited) -> RedisResult<Vec<Option<Node>>> {
    let mut nodes = nodes_in(connection.send(&slots()).await?)?;
    nodes.sort();
    Ok(nodes)
}

/// Returns whether the answer to `CLIENT TRACKINGINFO` says that changes are reported.
#[cfg(feature = "redis-cluster")]
fn is_tracking(info: ::redis::Value) -> bool {
    use std::collections::HashMap;
    let info = HashMap::<String, ::redis::Value>::from_redis_value(info);
    let flags = info.ok().and_then(|mut info| info.remove("flags"));
    let flags = flags.and_then(|flags| Vec::<String>::from_redis_value(flags).ok());
    flags.is_some_and(|flags| flags.iter().any(|flag| flag == "on"))
}
