package Pimap::Fake;

# A process of the test's own that a peer takes for a server.  How it behaves
# is its "mode", which the test may change at any time.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;


# t => the test, name => of its port, mode => the first one

sub new {
    my ($class, %set) = @_;
    return bless({ %set }, $class);
}


sub port { $_[0]{t}->port($_[0]{name}) }


sub start {
    my ($self) = @_;

    my $dir = $self->{t}->dir();

    $self->mode($self->{mode});

    my $server = $self->listen();

    $self->{process} = $self->{t}->start(name => "fake $self->{name}",
        output => "$dir/$self->{name}.out",
        code => sub { $self->serve($server) });

    CORE::close($server);
    return $self;
}


sub stop { $_[0]{t}->stop($_[0]{process}) }


# What the process reads: a new one is there as a whole, or not yet.

sub mode {
    my ($self, $mode) = @_;

    my $file = $self->{t}->dir() . "/$self->{name}.mode";

    return $self->{t}->read_file($file) if !defined $mode;

    $self->{t}->write_file("$file.new", $mode);
    rename("$file.new", $file) or die "$file: $!\n";

    return $mode;
}


# One line each, from the process to the test: how often something was done.

sub note {
    my ($self, $what) = @_;

    open(my $fh, '>>', $self->{t}->dir() . "/$self->{name}.notes") or die;
    syswrite($fh, "$what\n");
}


sub noted {
    my ($self, $re) = @_;

    my $notes = $self->{t}->read_file($self->{t}->dir()
        . "/$self->{name}.notes");

    return scalar(() = $notes =~ /^$re$/mg);
}


sub listen {
    my ($self) = @_;

    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16,
        LocalPort => $self->port(), ReuseAddr => 1)
        // die "$self->{name}: $!\n";
}


1;
