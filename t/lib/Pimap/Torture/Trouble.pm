package Pimap::Torture::Trouble;

# The Redis servers of a run, and the faults of them and of nginx.

use strict;
use warnings;

use Pimap::Oom;
use Pimap::Redis;
use Time::HiRes qw(sleep);

# With "everysec" Redis would publish an event while the disk is busy, before
# it is written.  Written events survive a kill.
my @OPTIONS = ('appendonly yes', 'appendfsync no');


# t => the test; sentinel => 1: two servers and a sentinel

sub new {
    my ($class, %set) = @_;

    my $self = bless({ %set, counts => {}, turn => 0 }, $class);
    my @names = $set{sentinel} ? qw(redis second) : qw(redis);

    $self->{servers} = [map {
        Pimap::Redis->new(t => $set{t}, name => $_, port => $set{sentinel},
            options => ["appenddirname $_", @OPTIONS])
    } @names];

    $set{t}{redis} = $self->{servers}[0];

    $self->{troubles} = [qw(worker subscribers commanders reload worker pause),
        $set{sentinel} ? qw(failover switch) : 'restart', 'frozen'];

    $self->_with_memory();

    return $self;
}


# Adds the faults of memory, if the workers' checker allows them.

sub _with_memory {
    my ($self) = @_;

    return if !Pimap::Oom->possible();

    $self->{oom} = Pimap::Oom->new($self->{t});
    $self->{t}->nginx()->{env} = { $self->{oom}->env() };
    push(@{ $self->{troubles} }, 'memory');
}


sub master { $_[0]{servers}[0] }
sub counts { %{ $_[0]{counts} } }


# Causes of a new log.  Only a failover may lose the last events of a log.

sub reasons {
    my ($self) = @_;

    return if !grep { $self->{counts}{$_} } qw(restart failover switch);
    return ('epoch', $self->{sentinel} ? qw(future empty) : ());
}


sub address {
    my ($self) = @_;

    return 'unix:' . $self->master()->socket() if !$self->{sentinel};
    return 'sentinel://127.0.0.1:' . $self->{t}->port('sentinel') . '/main';
}


sub start {
    my ($self) = @_;

    my ($t, $master) = ($self->{t}, $self->master());

    $master->start();
    $master->command(qw(FUNCTION LOAD),
        $t->read_file($t->root() . '/redis/pimap.lua'));
    $self->_publish_to($master);

    return if !$self->{sentinel};

    $self->_follow($self->{servers}[1]);

    my $dir = $t->dir();
    my $file = $t->write_file("$dir/sentinel.conf", join("\n",
        'port ' . $t->port('sentinel'), "dir $dir", 'bind 127.0.0.1',
        "logfile $dir/sentinel.log",
        'sentinel monitor main 127.0.0.1 ' . $t->port('redis') . ' 1',
        'sentinel down-after-milliseconds main 2000',
        'sentinel failover-timeout main 5000', ''));

    $t->start(command => [Pimap::Redis->server(), $file, '--sentinel'],
        output => "$dir/sentinel.out");
    $t->wait_for(sub { $t->read_file("$dir/sentinel.log") =~ /\+slave / },
        'the sentinel', 20) or die "no sentinel\n";
}


sub _publish_to {
    my ($self, $server) = @_;

    my $file = $self->{t}->dir() . '/master';

    $self->{t}->write_file("$file.new", $server->socket() . "\n");
    rename("$file.new", $file) or die "$file: $!\n";
}


# Sentinel disconnects all clients of a server whose role it changes.

sub ask {
    my ($server, @command) = @_;

    return eval { $server->command(@command) }
        // eval { $server->command(@command) };
}


# Starts the server as a replica of the master, and waits until it is in sync.

sub _follow {
    my ($self, $server) = @_;

    $server->{options} = ["appenddirname $server->{name}", @OPTIONS,
        'replicaof 127.0.0.1 ' . $self->{t}->port($self->master()->{name})];

    $server->start();
    $self->_synced($server);
}


sub _synced {
    my ($self, $server) = @_;

    $self->{t}->wait_for(sub { (ask($server, 'INFO', 'replication') // '')
        =~ /master_link_status:up/ }, 'replication', 20)
        or die "no replication\n";
}


sub next {
    my ($self) = @_;

    my $troubles = $self->{troubles};

    $self->happens($troubles->[$self->{turn}++ % @$troubles]);
}


sub happens {
    my ($self, $name) = @_;

    $self->{counts}{$name}++;
    $self->can("_$name")->($self);
}


# Waits until all works again.

sub end {
    my ($self) = @_;
    $self->{t}->wait_for(sub { $self->{t}->ready() }, 'readiness', 20);
}


sub _worker {
    my ($self) = @_;

    my @workers = $self->{t}->workers();
    kill('KILL', $workers[rand(@workers)]) if @workers;
}


sub _reload {
    my ($self) = @_;
    kill('HUP', $self->{t}->nginx()->pid());
}


sub _subscribers {
    my ($self) = @_;
    ask($self->master(), qw(CLIENT KILL TYPE pubsub));
}


sub _commanders {
    my ($self) = @_;
    ask($self->master(), qw(CLIENT KILL TYPE normal SKIPME yes));
}


sub _pause {
    my ($self) = @_;

    $self->master()->pause();
    sleep(0.3);
    $self->master()->resume();
}


# A worker stands still, as in a system call that takes long.

sub _frozen {
    my ($self) = @_;

    my @workers = $self->{t}->workers() or return;
    my $pid = $workers[rand(@workers)];

    kill('STOP', $pid);
    sleep(0.5);
    kill('CONT', $pid);
}


# Workers have no memory to parse some events.

sub _memory {
    my ($self) = @_;

    $self->{oom}->fail(by => 'ngx_pimap_module.so', count => 50,
        skip => int(rand(20)));
}


sub _restart {
    my ($self) = @_;

    $self->master()->kill();
    $self->master()->start();
}


sub _failover {
    my ($self) = @_;

    my $old = $self->master();

    $old->kill();
    $self->_switched();
    $self->_follow($old);
}


# Until Sentinel tells the former master, both take events.  The former one
# loses its own, and may be the master again later, without a restart.

sub _switch {
    my ($self) = @_;

    my $old = $self->master();
    my $sentinel = $self->{t}->port('sentinel');

    $self->{t}->wait_for(sub {
        qx(redis-cli -p $sentinel SENTINEL FAILOVER main 2>&1) =~ /^OK/
    }, 'the sentinel to begin', 20) or die "no failover\n";

    $self->_switched();
    $self->_synced($old);
}


# The second server is the master.

sub _switched {
    my ($self) = @_;

    my ($t, $old, $new) = ($self->{t}, @{ $self->{servers} });
    my $port = $t->port($new->{name});
    my $n = ++$self->{failovers}{$port};

    $t->wait_for(sub {
        my $switched = () = $t->read_file($t->dir() . '/sentinel.log')
            =~ /\+switch-master main .* $port$/mg;

        return $switched >= $n;
    }, 'the failover', 30) or die "no failover\n";

    $self->{servers} = [$new, $old];
    $self->{t}{redis} = $new;
    $self->_publish_to($new);
}


1;
