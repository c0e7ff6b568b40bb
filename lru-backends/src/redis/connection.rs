//! Connections to Redis, and what is sent over them.

#[cfg(feature = "redis-cluster")]
use ::redis::FromRedisValue;
use ::redis::aio::MultiplexedConnection;
use ::redis::{RedisResult, Value};

#[cfg(feature = "redis-cluster")]
use super::request::Node;
use super::request::{Request, answers, gets, pipeline, readable};

/// A connection that tasks share.
#[derive(Clone)]
pub(super) enum Awaited {
    One(MultiplexedConnection),
    #[cfg(feature = "redis-cluster")]
    Cluster(::redis::cluster_async::ClusterConnection),
}

impl Awaited {
    /// Returns whether the connection is one to one server, not to a cluster.
    pub(super) fn is_to_one(&self) -> bool {
        matches!(self, Self::One(_))
    }

    pub(super) async fn send(&mut self, request: &Request) -> RedisResult<Value> {
        match (self, request) {
            (Self::One(connection), Request::One(command) | Request::At(command, _)) => {
                connection.send_packed_command(command).await?.extract_error()
            }
            (Self::One(connection), Request::Get(keys)) => {
                let commands = gets(keys);
                readable(connection.send_packed_commands(&commands, 0, commands.len()).await?)
            }
            (Self::One(connection), Request::Each(commands, answer)) => {
                let all = pipeline(commands);
                let replies = connection.send_packed_commands(&all, 0, all.len()).await?;
                answers(commands, replies, *answer)
            }
            (Self::One(connection), Request::Pipe(commands, answer)) => {
                answer(connection.send_packed_commands(commands, 0, commands.len()).await?)
            }
            #[cfg(feature = "redis-cluster")]
            (Self::Cluster(connection), Request::Pipe(commands, answer)) => {
                answer(commands.query_async(connection).await?)
            }
            #[cfg(feature = "redis-cluster")]
            (Self::Cluster(connection), Request::At(command, Some(node))) => {
                connection.route_command(command.clone(), at(node)).await
            }
            #[cfg(feature = "redis-cluster")]
            (Self::Cluster(connection), Request::One(command) | Request::At(command, None)) => {
                command.query_async(connection).await
            }
            #[cfg(feature = "redis-cluster")]
            (Self::Cluster(connection), Request::Each(commands, answer)) => {
                let replies = each_of(connection, commands.clone()).await?;
                let all = replies.into_iter().map(*answer).collect::<RedisResult<_>>()?;
                Ok(Value::Array(all))
            }
            #[cfg(feature = "redis-cluster")]
            (Self::Cluster(connection), Request::Get(keys)) => {
                let all = keys.iter().map(|key| gets([key])).collect();
                readable(each_of(connection, all).await?.into_iter().flatten().collect())
            }
        }
    }
}

/// Sends pipelines to a cluster, each for one key, and returns the replies to each. A pipeline must stay within one slot. The
/// client sends concurrent requests together.
#[cfg(feature = "redis-cluster")]
async fn each_of(
    connection: &::redis::cluster_async::ClusterConnection,
    all: Vec<::redis::Pipeline>,
) -> RedisResult<Vec<Vec<Value>>> {
    let mut replies: Vec<Vec<Value>> = all.iter().map(|_| Vec::new()).collect();
    let mut pending = tokio::task::JoinSet::new();
    for (at, commands) in all.into_iter().enumerate() {
        let mut connection = connection.clone();
        pending.spawn(async move { (at, commands.query_async::<Vec<Value>>(&mut connection).await) });
    }
    // All are awaited: none is carried out after this has returned.
    let mut done = Ok(());
    while let Some(answer) = pending.join_next().await {
        let (at, answer) = answer.map_err(std::io::Error::from)?;
        match answer {
            Ok(answer) => replies[at] = answer,
            Err(error) => done = done.and(Err(error)),
        }
    }
    done.map(|()| replies)
}

#[cfg(feature = "redis-cluster")]
fn at((host, port): &Node) -> ::redis::cluster_routing::RoutingInfo {
    use ::redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
    RoutingInfo::SingleNode(SingleNodeRoutingInfo::ByAddress { host: host.clone(), port: *port })
}

/// Returns the main servers of a cluster: the third item of each slot range in the answer of `CLUSTER SLOTS`.
#[cfg(feature = "redis-cluster")]
pub(super) fn nodes_in(slots: Value) -> RedisResult<Vec<Option<Node>>> {
    let mut nodes = Vec::new();
    for range in Vec::<Vec<Value>>::from_redis_value(slots)? {
        let Some(main) = range.into_iter().nth(2) else { continue };
        let mut main = Vec::<Value>::from_redis_value(main)?.into_iter();
        if let (Some(host), Some(port)) = (main.next(), main.next()) {
            let node = Some((String::from_redis_value(host)?, u16::from_redis_value(port)?));
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
    }
    Ok(nodes)
}
