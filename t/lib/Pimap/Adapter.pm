package Pimap::Adapter;

# A client under test: a program that runs the client, prints a JSON line for
# each thing that the client sees, and reads commands as JSON lines.  Its only
# argument is a JSON object.  docs/clients.md has the lines.  "env" is for its
# environment, which has no proxy else.
#
#     my $a = Pimap::Adapter->start(t => $t, command => [...],
#         options => { url => ..., token => ... });
#     $a->see('open');
#     $a->do(update => id => 'u1', update => { update => 'store' });

use strict;
use warnings;

use JSON::PP;
use Test::More import => [qw(diag)];
use Time::HiRes qw(time);

use Pimap::Missing;
use Pimap::Process qw(patience wait_for);

my $json = JSON::PP->new()->utf8()->canonical();
my $number = 0;


sub start {
    my ($class, %set) = @_;

    my $t = $set{t};
    my $self = bless({ t => $t, text => '', unread => [], seen => [],
        errors => $t->dir() . '/adapter' . ++$number . '.out' }, $class);
    my ($cert) = $t->certificate();

    $self->{process} = $t->start(pipe => 1, input => 1,
        errors => $self->{errors},
        env => { NODE_EXTRA_CA_CERTS => $cert, SSL_CERT_FILE => $cert,
            NODE_PATH => '/usr/share/nodejs', no_proxy => '*',
            PYTHONDONTWRITEBYTECODE => 1, %{ $set{env} // {} } },
        command => [@{ $set{command} }, $json->encode($set{options})]);
    $self->{process}->fh()->blocking(0);

    return $self;
}


# The next line of these kinds, in order.  Lines of other kinds before it are
# skipped, but seen() has all lines.

sub see {
    my ($self, @kinds) = @_;

    my %wanted = map { $_ => 1 } @kinds;
    my $found;

    wait_for(sub {
        $self->_read();

        while (my $line = shift(@{ $self->{unread} })) {
            next if !$wanted{ $line->{see} };
            $found = $line;
            return 1;
        }

        return $self->{ended};
    });

    return $found if $found;

    diag("waited in vain for: @kinds; seen: ", $json->encode($self->{seen}),
        ' ', $self->{t}->read_file($self->{errors}));
    return Pimap::Missing->new();
}


# The next event's name and id, as text.

sub event {
    my ($self) = @_;
    my $line = $self->see('event');

    return $line->{event};
}


# All lines of a kind up to now.

sub seen {
    my ($self, $kind) = @_;

    $self->_read();
    return grep { $_->{see} eq $kind } @{ $self->{seen} };
}


# True if no further line of these kinds comes for some seconds.

sub quiet {
    my ($self, $seconds, @kinds) = @_;

    my %before = map { $_ => scalar($self->seen($_)) } @kinds;

    return !wait_for(sub {
        grep { $self->seen($_) > $before{$_} } @kinds
    }, $seconds);
}


sub do {
    my ($self, $do, %set) = @_;
    $self->{process}->type($json->encode({ do => $do, %set }) . "\n");
}


# True if it ends by itself when it is told to.

sub close {
    my ($self) = @_;

    $self->do('close');

    my $well = wait_for(sub { $self->_read();
        !$self->{process}->running() })
        && $self->{process}->ended_well();

    diag($self->{t}->read_file($self->{errors})) if !$well;
    $self->{t}->stop($self->{process});

    return $well;
}


sub _read {
    my ($self) = @_;

    while (defined(my $n = $self->{process}->fh()->sysread(my $bytes, 65536)))
    {
        $self->{ended} = 1 if $n == 0;
        last if $n == 0;
        $self->{text} .= $bytes;
    }

    while ($self->{text} =~ s/^(.*)\n//) {
        my $line = eval { $json->decode($1) };

        if (ref($line) ne 'HASH' || !defined $line->{see}) {
            diag("no line of an adapter: $1");
            next;
        }

        push(@{ $self->{seen} }, $line);
        push(@{ $self->{unread} }, $line);
    }
}


1;
