package Pimap::Redis;

# A Redis server of the test's own, and the operations of a backend.  With
# PIMAP_REDIS=valkey-server it is a Valkey.

use strict;
use warnings;

use Pimap::Process qw(wait_for);
use Pimap::Resp;


# t => the test; port, tls => 1; password => of the default user;
# users => ['alice on >secret ~* &* +@all']; options => ['maxclients 100']

sub new {
    my ($class, %set) = @_;
    return bless({ %set, name => $set{name} // 'redis' }, $class);
}


sub server { $ENV{PIMAP_REDIS} // 'redis-server' }
sub socket { $_[0]{t}->dir() . "/$_[0]{name}.sock" }
sub pid    { $_[0]{process}->pid() }


sub start {
    my ($self) = @_;

    my ($t, $name) = @{$self}{qw(t name)};
    my $dir = $t->dir();
    my $file = "$dir/$name.conf";

    # It ends when it is told to: it does not wait for replicas that are
    # behind, nor refuse to as a replica that writes its first AOF.

    my @lines = ("unixsocket " . $self->socket(), "dir $dir", 'save ""',
        'appendonly no', "logfile $dir/$name.log", 'daemonize no',
        'shutdown-timeout 1', 'shutdown-on-sigterm force', 'bind 127.0.0.1',
        'port ' . ($self->{port} ? $t->port($name) : 0));

    if ($self->{tls}) {
        my ($cert, $key) = $t->certificate();

        push(@lines, 'tls-port ' . $t->port("$name-tls"),
            "tls-cert-file $cert", "tls-key-file $key",
            "tls-ca-cert-file $cert", 'tls-auth-clients no');
    }

    push(@lines, "requirepass $self->{password}") if $self->{password};
    push(@lines, map { "user $_" } @{ $self->{users} // [] });
    push(@lines, @{ $self->{options} // [] });

    $t->write_file($file, join("\n", @lines, ''));

    $self->{process} = $t->start(command => [server(), $file],
        output => "$dir/$name.out");

    wait_for(sub { eval { $self->connect()->command('PING') } })
        or die "redis does not start: " . $t->read_file("$dir/$name.log");

    return $self;
}


# Signals.  A paused server accepts connections, but does not answer.

sub stop    { delete $_[0]{client}; $_[0]{t}->stop($_[0]{process}) }
sub kill    { delete $_[0]{client}; $_[0]{t}->stop($_[0]{process}, 'KILL') }
sub pause   { $_[0]{process}->signal('STOP') }
sub resume  { $_[0]{process}->signal('CONT') }
sub restart { $_[0]->stop(); $_[0]->start() }


# A connection of its own, for MONITOR and the like.

sub connect {
    my ($self) = @_;

    my $client = Pimap::Resp->connect($self->socket()) // return;

    $client->command('AUTH', $self->{password}) if $self->{password};

    return $client;
}


sub command {
    my ($self, @args) = @_;

    # A server that is made a replica closes its connections.

    delete $self->{client} if $self->{client} && $self->{client}->closed();
    $self->{client} //= $self->connect() // die "redis: not there\n";

    my $reply = eval { $self->{client}->command(@args) };

    if ($@) {
        delete $self->{client};
        die $@;
    }

    return $reply;
}


# The plain contract: PUBLISH pimap:{account} <json>.

sub publish {
    my ($self, $account, $event) = @_;

    return $self->command('PUBLISH', $self->channel($account),
        ref($event) ? $self->{t}->json($event) : $event);
}


# Publishes with the log; returns the event's id.

sub log {
    my ($self, $account, $event) = @_;

    return $self->command('FCALL', 'pimap_publish', 1,
        $self->channel($account),
        ref($event) ? $self->{t}->json($event) : $event);
}


# Adds an event to the log as the library does, but does not publish it.  A new
# log begins with the given id, whose epoch is one of epoch().

sub log_only {
    my ($self, $account, $event, $id) = @_;

    my $key = $self->channel($account);

    $id //= $self->fcall('last', $account) =~ s/(\d+)$/$1 + 1/er;
    $self->command('XADD', $key, $id, 'e',
        ref($event) ? $self->{t}->json($event) : $event, 't', time());

    return $id;
}


# The epoch of a log that this server began then, in seconds; not in a
# transaction at the first time.

sub epoch {
    my ($self, $seconds) = @_;

    my $server = $self->{server}{$self->pid()} //= substr(
        $self->log('the log of the library', { event => 'X' }), 12, 7);

    return "${seconds}00$server";
}


# The account's log gets an entry of another server, which began a log then, or
# right after the last one.

sub other_server {
    my ($self, $account, $seconds) = @_;

    my ($epoch) = $self->fcall('last', $account) =~ /^(\d+)/;

    $epoch = $seconds ? $seconds . '0' x 9 : $epoch + 1;
    $self->command('XADD', $self->channel($account), "$epoch-1",
        qw(e {} t 1));
}


# Runs all commands in one transaction, so that the events are read together;
# returns their replies.

sub together {
    my ($self, $commands) = @_;

    $self->command('MULTI');
    $commands->();

    return @{ $self->command('EXEC') };
}


# Loads redis/pimap.lua.

sub load {
    my ($self) = @_;

    $self->command('FUNCTION', 'LOAD', 'REPLACE',
        $self->{t}->read_file($self->{t}->root() . '/redis/pimap.lua'));

    return $self;
}


# Makes this server a replica, and waits until it has all of its master.

sub follow {
    my ($self, $master) = @_;

    $self->command('REPLICAOF', '127.0.0.1',
        $self->{t}->port($master->{name}));
    $self->synced($master);
}


sub synced {
    my ($self, $master) = @_;

    wait_for(sub {
        $self->_replication('master_link_status') eq 'up'
            && $self->_replication('master_sync_in_progress') eq '0'
            && $self->_replication('slave_repl_offset')
                eq $master->_replication('master_repl_offset')
    }) or die "no synchronisation\n";
}


sub _replication {
    my ($self, $name) = @_;

    my $info = eval { $self->command('INFO', 'replication') } // '';

    return $info =~ /^$name:(\S*)/m ? $1 : '';
}


# FCALL pimap_<name> of the account.

sub fcall {
    my ($self, $name, $account, @args) = @_;

    return $self->command('FCALL', "pimap_$name", 1,
        $self->channel($account),
        map { ref($_) ? $self->{t}->json($_) : $_ } @args);
}


# Revokes without telling the workers.

sub revoked {
    my ($self, $account, $time) = @_;

    $self->command('HSET', $self->channel($account) . ':revoked', '',
        $time // int(time()));
}


# The error of a command, undef if it succeeds.

sub error {
    my ($self, @command) = @_;

    return if eval { $self->command(@command); 1 };

    return $@ =~ /^redis: (.*)$/m ? $1 : $@;
}


# The number of workers that hold devices of the account.

sub numsub {
    my ($self, $account) = @_;

    return $self->command('PUBSUB', 'NUMSUB', $self->channel($account))->[1];
}


sub channel { ($_[0]{prefix} // 'pimap') . ":{$_[1]}" }


1;
