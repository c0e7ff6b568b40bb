//! Scripts that compare an item and change it, in one step of the server.

use ::redis::{Cmd, cmd};

/// A script with one key, and the name under which a server keeps it.
#[derive(Debug)]
pub(super) struct Script {
    source: &'static str,
    /// The SHA-1 of the source, in hexadecimal digits.
    name: &'static str,
}

/// Replaces the item that begins with `ARGV[1]`. A key of another type is another item.
pub(super) const STORE: Script = Script {
    source: "\
if redis.pcall('GETRANGE',KEYS[1],0,16)~=ARGV[1] then return 0 end
if ARGV[3]=='' then redis.call('SET',KEYS[1],ARGV[2]) else redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) end
return 1",
    name: "b5a29c104542d24f675e29e255725cf7bfbb3ce0",
};

/// Sets an item where there is no entry.
pub(super) const ADD: Script = Script {
    source: "\
local item=redis.pcall('GETRANGE',KEYS[1],0,16)
if type(item)=='string' and #item==17 and string.sub(item,1,1)=='V' then return 0 end
if ARGV[2]=='' then redis.call('SET',KEYS[1],ARGV[1]) else redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2]) end
return 1",
    name: "4ac2786d678947a681d170efd77444763d431baa",
};

/// Returns the item and the time it has left, or sets `ARGV[1]` where there is none. An empty string and a key of
/// another type are none.
pub(super) const LOOK: Script = Script {
    source: "\
local item=redis.pcall('GET',KEYS[1])
if type(item)=='string' and item~='' then return {redis.call('PTTL',KEYS[1]),item} end
redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2])
return {-2,false}",
    name: "2ea25c7b49d11baea221d4a8b0f5a78b4046cf25",
};

/// Like [`LOOK`], and returns the nonces of tags: those of `ARGV[5]`, `ARGV[7]` and so on, for which the arguments after them are set
/// where there are none, and those of the tags that the item notes. `ARGV[3]` begins their keys, which are not declared: they
/// are known only here. So it cannot be used in a cluster.
pub(super) const LOOK_TAGGED: Script = Script {
    source: "\
local item=redis.pcall('GET',KEYS[1])
local time=-2
if type(item)=='string' and item~='' then time=redis.call('PTTL',KEYS[1]) else item=false redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2]) end
local nonces,seen={},{}
for i=5,#ARGV,2 do
local tag,key=ARGV[i],ARGV[3]..ARGV[i]
local nonce=redis.pcall('GET',key)
if type(nonce)~='string' or #nonce~=33 then nonce=ARGV[i+1] redis.call('SET',key,nonce,'PX',ARGV[4]) end
seen[tag]=true
nonces[#nonces+1]=tag
nonces[#nonces+1]=nonce
end
if item and #item>25 and string.sub(item,1,1)=='V' and string.byte(item,18)==248 and string.byte(item,19)==1 then
for i=0,math.min(string.byte(item,20)+256*string.byte(item,21),64)-1 do
local tag=string.sub(item,26+24*i,33+24*i)
local nonce=not seen[tag] and redis.pcall('GET',ARGV[3]..tag)
if type(nonce)=='string' then
nonces[#nonces+1]=tag
nonces[#nonces+1]=nonce
end
end
end
return {time,item,nonces}",
    name: "44edee6a49e682af6dfecdbc28c6afa21df67d0a",
};

/// Extends the time of a mark that begins with `ARGV[1]`; an entry keeps its time.
pub(super) const RENEW: Script = Script {
    source: "\
if redis.pcall('GETRANGE',KEYS[1],0,16)~=ARGV[1] then return 0 end
if string.sub(ARGV[1],1,1)=='L' then redis.call('PEXPIRE',KEYS[1],ARGV[2]) end
return 1",
    name: "3857c8b7e225f7f3757ffc2af6ed69aad3358b7c",
};

/// Removes the item that begins with `ARGV[1]`.
pub(super) const END: Script = Script {
    source: "\
if redis.pcall('GETRANGE',KEYS[1],0,16)~=ARGV[1] then return 0 end
return redis.call('UNLINK',KEYS[1])",
    name: "996c213608bebbff745c87abf55e849c83ffb569",
};

impl Script {
    /// Returns the command that runs the script by its name, which a server forgets when it is restarted.
    pub(super) fn by_name(&self, key: &[u8], arguments: &[&[u8]]) -> Cmd {
        Self::command("EVALSHA", self.name, key, arguments)
    }

    /// Returns the command that runs the script, and makes the server keep it.
    pub(super) fn by_source(&self, key: &[u8], arguments: &[&[u8]]) -> Cmd {
        Self::command("EVAL", self.source, key, arguments)
    }

    fn command(name: &str, script: &str, key: &[u8], arguments: &[&[u8]]) -> Cmd {
        let mut command = cmd(name);
        command.arg(script).arg(1).arg(key);
        for argument in arguments {
            command.arg(argument);
        }
        command
    }
}
